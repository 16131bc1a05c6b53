/** Exports as programs and sites write them, cut to a few images. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findBesideImages, findFormat } from '../../core/annotations/find-format.ts';
import type { ReadRequest } from '../../core/annotations/formats/format.ts';
import { formatOf } from '../../core/annotations/formats/index.ts';
import { joinPieces } from '../../core/annotations/join.ts';
import { files, folderWith, readAll } from './format-files.ts';

/** What an export says of each image, in the order of their names. Paths begin behind the folder. */
async function readExport(contents: Record<string, string | object>, path = '', task?: ReadRequest['task']) {
  const texts = Object.entries(contents).map(([name, content]) => [
    name,
    typeof content === 'string' ? content : JSON.stringify(content),
  ]);
  const folder = folderWith(Object.fromEntries(texts) as Record<string, string>);
  const found = await findFormat(files, join(folder, path));
  const { pieces, invalid, classes } = await readAll(formatOf(found.format), found.path, { task });
  const images = joinPieces(pieces).map(({ image, split, tags, parts }) => ({
    ...image,
    paths: image?.paths?.map((each) => each.replace(folder, '')),
    ...(split !== undefined && { split }),
    ...(tags.length > 0 && { tags }),
    parts,
  }));
  const beside = await findBesideImages(files, folder);
  return { format: found.format, beside: beside?.format, images, invalid, classes: classes.map(({ name }) => name) };
}

const px = (...annotations: object[]) => [{ unit: 'pixels', annotations }];
const relative = (...annotations: object[]) => [{ unit: 'relative', annotations }];

it("Roboflow's COCO", async () => {
  const document = (name: string) => ({
    info: { year: '2024', version: '3', description: 'Exported from roboflow.com', contributor: '', url: '' },
    licenses: [{ id: 1, url: 'https://creativecommons.org/licenses/by/4.0/', name: 'CC BY 4.0' }],
    categories: [
      { id: 0, name: 'pets', supercategory: 'none' },
      { id: 1, name: 'cat', supercategory: 'pets' },
    ],
    images: [
      { id: 0, license: 1, file_name: name, height: 640, width: 640, date_captured: '2024-01-01T00:00:00+00:00' },
    ],
    annotations: [
      { id: 0, image_id: 0, category_id: 1, bbox: [10, 20.5, 100, 50], area: 5000, segmentation: [], iscrowd: 0 },
    ],
  });
  const found = await readExport({
    'README.roboflow.txt': 'Pets - v3\n\nProvided by a Roboflow user\nLicense: CC BY 4.0\n',
    'train/_annotations.coco.json': document('a_jpg.rf.0a1b2c.jpg'),
    'valid/_annotations.coco.json': document('b_jpg.rf.3d4e5f.jpg'),
  });
  expect(found).toMatchObject({ format: 'coco', beside: 'coco', invalid: [], classes: ['pets', 'cat', 'pets', 'cat'] });
  expect(found.images).toMatchObject([
    {
      name: 'a_jpg.rf.0a1b2c.jpg',
      width: 640,
      split: 'train',
      parts: px({ label: 'cat', bounding_box: [10, 20.5, 100, 50] }),
    },
    { name: 'b_jpg.rf.3d4e5f.jpg', height: 640, split: 'val', parts: px({ label: 'cat' }) },
  ]);
  expect(found.images[1]?.paths?.[0]).toBe('/valid/b_jpg.rf.3d4e5f.jpg');
});

it("Roboflow's YOLOv8", async () => {
  const found = await readExport({
    'README.dataset.txt': '# Pets > 3\nhttps://universe.roboflow.com/x/pets\n',
    'data.yaml':
      "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\nnames: ['cat', 'dog']\n\n" +
      'roboflow:\n  workspace: x\n  project: pets\n  version: 3\n  license: CC BY 4.0\n  url: https://universe.roboflow.com/x/pets/dataset/3\n',
    'train/images/a_jpg.rf.0a1b2c.jpg': '',
    'train/labels/a_jpg.rf.0a1b2c.txt': '1 0.5 0.5 0.25 0.125\n0 0.25 0.25 0.5 0.5',
    'valid/images/b_png.rf.3d4e5f.jpg': '',
    'valid/labels/b_png.rf.3d4e5f.txt': '',
    'test/images/c.jpg': '',
    'test/labels/c.txt': '0 0.5 0.5 1 1',
  });
  expect(found).toMatchObject({ format: 'yolo', beside: 'yolo', invalid: [], classes: ['cat', 'dog'] });
  expect(found.images).toMatchObject([
    {
      name: 'train/images/a_jpg.rf.0a1b2c',
      anyExtension: true,
      split: 'train',
      parts: relative({ label: 'dog', bounding_box: [0.375, 0.4375, 0.25, 0.125] }, { label: 'cat' }),
    },
    { name: 'valid/images/b_png.rf.3d4e5f', split: 'val', parts: [] },
    { name: 'test/images/c', split: 'test', parts: relative({ label: 'cat', bounding_box: [0, 0, 1, 1] }) },
  ]);
  expect(found.images[0]?.paths?.[0]).toBe('/train/images/a_jpg.rf.0a1b2c');
});

it("Roboflow's Pascal VOC", async () => {
  const found = await readExport(
    {
      'train/a_jpg.rf.0a1b2c.xml': `<annotation>
	<folder></folder>
	<filename>a_jpg.rf.0a1b2c.jpg</filename>
	<path>a_jpg.rf.0a1b2c.jpg</path>
	<source>
		<database>roboflow.com</database>
	</source>
	<size>
		<width>640</width>
		<height>480</height>
		<depth>3</depth>
	</size>
	<segmented>0</segmented>
	<object>
		<name>cat</name>
		<pose>Unspecified</pose>
		<truncated>0</truncated>
		<difficult>0</difficult>
		<occluded>0</occluded>
		<bndbox>
			<xmin>10</xmin>
			<xmax>110</xmax>
			<ymin>20</ymin>
			<ymax>70</ymax>
		</bndbox>
	</object>
</annotation>`,
    },
    'train',
  );
  expect(found).toMatchObject({ format: 'voc', invalid: [] });
  expect(found.images).toMatchObject([
    {
      name: 'a_jpg.rf.0a1b2c.jpg',
      width: 640,
      height: 480,
      parts: px({
        label: 'cat',
        bounding_box: [10, 20, 100, 50],
        attributes: { pose: 'Unspecified', truncated: false, difficult: false, occluded: false },
      }),
    },
  ]);
  expect(found.images[0]?.paths).toContain('/train/a_jpg.rf.0a1b2c.jpg');
});

it('CVAT for images 1.1', async () => {
  const found = await readExport(
    {
      'annotations.xml': `<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <job>
      <id>7</id>
      <size>2</size>
      <mode>annotation</mode>
      <labels>
        <label>
          <name>car</name>
          <color>#b83df5</color>
          <type>any</type>
          <attributes>
            <attribute><name>parked</name><mutable>False</mutable><input_type>checkbox</input_type><default_value>false</default_value><values>false</values></attribute>
          </attributes>
        </label>
      </labels>
    </job>
    <dumped>2024-05-01 10:00:00.000000+00:00</dumped>
  </meta>
  <image id="0" name="street/one.jpg" subset="Train" task_id="3" width="1920" height="1080">
    <box label="car" source="manual" occluded="1" xtl="10.50" ytl="20.00" xbr="110.50" ybr="70.00" z_order="0">
      <attribute name="parked">true</attribute>
    </box>
    <polygon label="car" source="semi-auto" occluded="0" points="1.00,2.00;3.00,4.00;5.00,1.00" z_order="1">
    </polygon>
    <ellipse label="car" source="manual" occluded="0" cx="5.0" cy="5.0" rx="2.0" ry="1.0" z_order="0">
    </ellipse>
  </image>
  <image id="1" name="street/two.jpg" subset="default" task_id="3" width="1920" height="1080">
  </image>
</annotations>
`,
    },
    'annotations.xml',
  );
  expect(found).toMatchObject({ format: 'cvat', classes: ['car'], invalid: [{ reason: 'unsupported', line: 28 }] });
  expect(found.images).toMatchObject([
    {
      name: 'street/one.jpg',
      width: 1920,
      height: 1080,
      split: 'train',
      parts: px(
        { label: 'car', bounding_box: [10.5, 20, 100, 50], attributes: { occluded: true, parked: true } },
        { label: 'car', points: [[[1, 2], [3, 4], [5, 1]]] }, // biome-ignore format: a ring
      ),
    },
    { name: 'street/two.jpg', parts: [] },
  ]);
  expect(found.images[1]).not.toHaveProperty('split');
});

it("Label Studio's JSON of uploads and of local files", async () => {
  const task = (id: number, image: string) => ({
    id,
    annotations: [
      {
        id: id + 100,
        completed_by: 1,
        result: [
          {
            original_width: 600,
            original_height: 400,
            image_rotation: 0,
            value: { x: 25, y: 50, width: 12.5, height: 25, rotation: 0, rectanglelabels: ['Car'] },
            id: 'Dx_aB3ISEF',
            from_name: 'label',
            to_name: 'image',
            type: 'rectanglelabels',
            origin: 'manual',
          },
          { value: { rating: 4 }, id: 'q', from_name: 'quality', to_name: 'image', type: 'rating', origin: 'manual' },
        ],
        was_cancelled: false,
        ground_truth: false,
        created_at: '2024-05-01T10:00:00.000000Z',
        updated_at: '2024-05-01T10:00:00.000000Z',
        lead_time: 12.3,
      },
    ],
    file_upload: 'export.json',
    drafts: [],
    predictions: [],
    data: { image },
    meta: {},
    created_at: '2024-05-01T09:00:00.000000Z',
    project: 1,
  });
  const found = await readExport(
    {
      'project-1-at-2024-05-01-10-00-0a1b2c3d.json': [
        task(1, '/data/upload/1/0a1b2c3d-my_car.jpg'),
        task(2, '/data/local-files/?d=photos/street/one.jpg'),
      ],
    },
    'project-1-at-2024-05-01-10-00-0a1b2c3d.json',
  );
  expect(found).toMatchObject({
    format: 'labelstudio',
    invalid: [{ reason: 'unsupported' }, { reason: 'unsupported' }],
  });
  const parts = relative({ label: 'Car', bounding_box: [0.25, 0.5, 0.125, 0.25] });
  expect(found.images).toMatchObject([
    { name: '0a1b2c3d-my_car.jpg', otherNames: ['my_car.jpg'], width: 600, height: 400, parts },
    { name: 'photos/street/one.jpg', paths: ['/photos/street/one.jpg'], parts },
  ]);
});

it('LabelMe', async () => {
  const found = await readExport({
    'a.jpg': '',
    'a.json': {
      version: '5.4.1',
      flags: { night: true, rain: false },
      shapes: [
        { label: 'car', points: [[10, 20], [110, 70]], group_id: null, description: '', shape_type: 'rectangle', flags: {}, mask: null }, // biome-ignore format: points
        { label: 'road', points: [[0, 0], [5, 0], [5, 5]], group_id: 2, description: 'wet', shape_type: 'polygon', flags: {}, mask: null }, // biome-ignore format: points
      ],
      imagePath: 'a.jpg',
      imageData: '/9j/4AAQSkZJRg==',
      imageHeight: 480,
      imageWidth: 640,
    },
  });
  expect(found).toMatchObject({ format: 'labelme', invalid: [] });
  expect(found.images).toMatchObject([
    {
      name: 'a.jpg',
      paths: ['/a.jpg'],
      width: 640,
      height: 480,
      tags: ['night'],
      parts: px(
        { label: 'car', bounding_box: [10, 20, 100, 50] },
        { label: 'road', points: [[[0, 0], [5, 0], [5, 5]]], attributes: { group_id: 2, description: 'wet' } }, // biome-ignore format: a ring
      ),
    },
  ]);
});

it("Ultralytics' coco8", async () => {
  const found = await readExport({
    'data.yaml':
      '# Ultralytics 🚀 AGPL-3.0 License - https://ultralytics.com/license\n\n' +
      '# Train/val/test sets as 1) dir: path/to/imgs, 2) file: path/to/imgs.txt, or 3) list: [path/to/imgs1, ..]\n' +
      "path: ../datasets/coco8 # dataset root dir\ntrain: images/train # train images (relative to 'path') 4 images\n" +
      "val: images/val # val images (relative to 'path') 4 images\ntest: # test images (optional)\n\n" +
      '# Classes\nnames:\n  0: person\n  1: bicycle\n  16: dog\n\n' +
      '# Download script/URL (optional)\ndownload: https://github.com/ultralytics/assets/releases/download/v0.0.0/coco8.zip\n',
    'images/train/000000000009.jpg': '',
    'images/val/000000000036.jpg': '',
    'labels/train/000000000009.txt': '16 0.479492 0.688771 0.955609 0.5955\n1 0.5 0.5 0.25 0.5\n',
    'labels/val/000000000036.txt': '0 0.500 0.500 0.500 0.500\n',
    'labels/train.cache': '\x93NUMPY',
  });
  expect(found).toMatchObject({ format: 'yolo', beside: 'yolo', invalid: [], classes: ['person', 'bicycle', 'dog'] });
  expect(found.images).toMatchObject([
    {
      name: 'images/train/000000000009',
      paths: ['/images/train/000000000009', '/labels/train/000000000009'],
      split: 'train',
      parts: relative({ label: 'dog' }, { label: 'bicycle', bounding_box: [0.375, 0.25, 0.25, 0.5] }),
    },
    {
      name: 'images/val/000000000036',
      split: 'val',
      parts: relative({ label: 'person', bounding_box: [0.25, 0.25, 0.5, 0.5] }),
    },
  ]);
});

it('COCO val2017, with all that its files say of one image', async () => {
  const images = [
    {
      license: 4,
      file_name: '000000397133.jpg',
      coco_url: 'http://images.cocodataset.org/val2017/000000397133.jpg',
      height: 427,
      width: 640,
      date_captured: '2013-11-14 17:02:52',
      flickr_url: '',
      id: 397133,
    },
    {
      license: 1,
      file_name: '000000037777.jpg',
      coco_url: '',
      height: 230,
      width: 352,
      date_captured: '2013-11-14 20:55:31',
      flickr_url: '',
      id: 37777,
    },
  ];
  const info = { description: 'COCO 2017 Dataset', url: 'http://cocodataset.org', version: '1.0', year: 2017 };
  const person = { supercategory: 'person', id: 1, name: 'person' };
  const ring = [388, 70, 398, 70, 398, 80];
  const found = await readExport(
    {
      'val2017/000000397133.jpg': '',
      'annotations/captions_val2017.json': {
        info,
        licenses: [],
        images,
        annotations: [{ image_id: 397133, id: 370509, caption: 'A man is in a kitchen making pizzas.' }],
      },
      'annotations/instances_val2017.json': {
        info,
        licenses: [],
        images,
        annotations: [
          {
            segmentation: [ring],
            area: 17376.9,
            iscrowd: 0,
            image_id: 397133,
            bbox: [388.66, 69.92, 109.41, 277.62],
            category_id: 1,
            id: 200887,
          },
          {
            segmentation: { counts: [0, 3, 147078, 1, 126198], size: [427, 640] },
            area: 4,
            iscrowd: 1,
            image_id: 397133,
            bbox: [1, 2, 3, 4],
            category_id: 90,
            id: 2,
          },
        ],
        categories: [person, { supercategory: 'indoor', id: 90, name: 'toothbrush' }],
      },
      'annotations/person_keypoints_val2017.json': {
        info,
        licenses: [],
        images,
        annotations: [
          {
            segmentation: [ring],
            num_keypoints: 1,
            area: 17376.9,
            iscrowd: 0,
            keypoints: [433, 94, 2, 0, 0, 0],
            image_id: 397133,
            bbox: [388.66, 69.92, 109.41, 277.62],
            category_id: 1,
            id: 200887,
          },
        ],
        categories: [{ ...person, keypoints: ['nose', 'left_eye'], skeleton: [[1, 2]] }],
      },
    },
    'annotations',
  );
  expect(found).toMatchObject({ format: 'coco', invalid: [], classes: ['person', 'toothbrush', 'person'] });
  expect(found.images).toMatchObject([
    {
      name: '000000397133.jpg',
      width: 640,
      split: 'val',
      parts: px(
        { caption: 'A man is in a kitchen making pizzas.' },
        { label: 'person', bounding_box: [388.66, 69.92, 109.41, 277.62], points: [[[388, 70], [398, 70], [398, 80]]] }, // biome-ignore format: a ring
        { label: 'toothbrush', iscrowd: true, mask: { size: [427, 640] } },
        { label: 'person', keypoints: [[433, 94, 2], [0, 0, 0]] }, // biome-ignore format: a skeleton
      ),
    },
    { name: '000000037777.jpg', split: 'val', parts: [] },
  ]);
  expect(found.images[0]?.paths).toContain('/val2017/000000397133.jpg');
});

it("Hugging Face's imagefolder with a column of objects", async () => {
  const row = (file_name: string) =>
    JSON.stringify({ file_name, objects: { bbox: [[302, 109, 73, 52], [810, 100, 57, 28]], categories: [0, 1], area: [3796, 1596] } }); // biome-ignore format: a row
  const found = await readExport({
    'train/metadata.jsonl': `${row('0001.png')}\n${row('0002.png')}\n`,
    'train/0001.png': '',
    'train/0002.png': '',
    'test/metadata.jsonl': `${row('0003.png')}\n`,
    'test/0003.png': '',
  });
  expect(found).toMatchObject({ format: 'huggingface', invalid: [] });
  const parts = px(
    { label: '0', bounding_box: [302, 109, 73, 52], attributes: { area: 3796 } },
    { label: '1', bounding_box: [810, 100, 57, 28], attributes: { area: 1596 } },
  );
  expect(found.images).toMatchObject([
    { name: '0003.png', paths: ['/test/0003.png'], split: 'test', parts },
    { name: '0001.png', paths: ['/train/0001.png'], split: 'train', parts },
    { name: '0002.png', paths: ['/train/0002.png'], split: 'train', parts },
  ]);
});

it("TensorFlow's CSV", async () => {
  const found = await readExport(
    {
      'train_labels.csv':
        'filename,width,height,class,xmin,ymin,xmax,ymax\nraccoon-24.jpg,268,188,raccoon,77,48,179,156\n' +
        'raccoon-24.jpg,268,188,raccoon,139,77,202,145\nraccoon-2.jpg,800,573,raccoon,60,51,462,499\n',
    },
    'train_labels.csv',
  );
  expect(found).toMatchObject({ format: 'csv', invalid: [] });
  expect(found.images).toMatchObject([
    {
      name: 'raccoon-24.jpg',
      paths: ['/raccoon-24.jpg'],
      width: 268,
      height: 188,
      parts: px({ label: 'raccoon', bounding_box: [77, 48, 102, 108] }, { bounding_box: [139, 77, 63, 68] }),
    },
    { name: 'raccoon-2.jpg', width: 800, parts: px({ label: 'raccoon', bounding_box: [60, 51, 402, 448] }) },
  ]);
});

it("OpenImages' CSV", async () => {
  const found = await readExport(
    {
      'validation-annotations-bbox.csv':
        'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n' +
        '0001eeaf4aed83f9,xclick,/m/0cmf2,1,0.25,0.75,0.125,0.625,0,0,0,0,0\n' +
        '000595fe6fee6369,xclick,/m/02wbm,1,0.0,1.0,0.0,0.5,0,0,1,0,0\n',
    },
    'validation-annotations-bbox.csv',
  );
  expect(found).toMatchObject({ format: 'csv', invalid: [] });
  expect(found.images).toMatchObject([
    {
      name: '0001eeaf4aed83f9',
      anyExtension: true,
      parts: relative({ label: '/m/0cmf2', confidence: 1, bounding_box: [0.25, 0.125, 0.5, 0.5] }),
    },
    {
      name: '000595fe6fee6369',
      anyExtension: true,
      parts: relative({ label: '/m/02wbm', bounding_box: [0, 0, 1, 0.5] }),
    },
  ]);
});
