"""
Writes the files beside it with NumPy and PyArrow, and what NumPy says of them as expected.json:

    pip install numpy pyarrow && python make-fixtures.py

Row n is the vector of the sample n, of 8 numbers. Sample n is the line n of all.lines.
"""
import json
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, DIM = 40, 8
vectors = np.random.default_rng(7).normal(size=(ROWS, DIM)) * np.linspace(0.1, 100, ROWS)[:, None]
single = vectors.astype('<f4')

np.save('float64.npy', vectors)
np.save('float32.npy', single)
with open('version2.npy', 'wb') as file:
    np.lib.format.write_array(file, single, version=(2, 0))
np.save('fortran.npy', np.asfortranarray(single))
np.save('int32.npy', single.astype('<i4'))
np.save('big-endian.npy', single.astype('>f4'))
np.save('one-dimension.npy', single.ravel())

seq = pa.array(range(ROWS), pa.int64())
lists = pa.array(single.tolist(), pa.list_(pa.float32()))
pq.write_table(pa.table({'seq': seq, 'vector': lists}), 'list-float.parquet', row_group_size=16)
doubles = pa.array(vectors.tolist(), pa.list_(pa.float64()))
pq.write_table(pa.table({'seq': pa.array(range(ROWS), pa.int32()), 'vector': doubles}), 'list-double.parquet', compression='zstd')
fixed = pa.FixedSizeListArray.from_arrays(pa.array(single.ravel()), DIM)
pq.write_table(pa.table({'seq': seq, 'vector': fixed}), 'fixed-list.parquet', compression='gzip', row_group_size=7)
pq.write_table(pa.table({'vector': lists}), 'no-names.parquet')

unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
cosines = unit @ unit.T
with open('expected.json', 'w') as file:
    json.dump({
        'unit': unit.tolist(),
        # The samples that are most like the first one, and their cosines.
        'order': np.argsort(-cosines[0], kind='stable').tolist(),
        'cosines': np.sort(cosines[0])[::-1].tolist(),
    }, file)
