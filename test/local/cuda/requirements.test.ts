import { describe, expect, test } from 'vitest';
import { parseMetadata, parseRequirement, satisfies } from '../../../local/cuda/requirements.ts';
import { fits, newestWheel, parseWheelName, type Wheel } from '../../../local/cuda/wheels.ts';

const X64 = { arch: 'x64', glibc: '2.36' };
const wheel = (file: string) => parseWheelName(file) as Wheel;

describe('a requirement', () => {
  test.each([
    ['nvidia-cublas', { name: 'nvidia-cublas', specifiers: [], extra: undefined }],
    ['Nvidia_cuFFT ~= 12.0 ; extra == "cuda"', { name: 'nvidia-cufft', specifiers: ['~=12.0'], extra: 'cuda' }],
    ['a (>=1,<2)', { name: 'a', specifiers: ['>=1', '<2'], extra: undefined }],
    ['a[b]==1.*; platform_system == "Linux"', { name: 'a', specifiers: ['==1.*'], extra: undefined }],
    ["a; sys_platform != 'win32' and python_version >= '3.9'", { name: 'a', specifiers: [], extra: undefined }],
    ['a; sys_platform == "win32"', undefined],
    ['a; platform_system != "Linux"', undefined],
  ])('%s', (text, expected) => {
    expect(parseRequirement(text)).toEqual(expected);
  });

  test('is read from the head of METADATA, not from the description', () => {
    const text = 'Name: Nvidia_X\nVersion: 1.2\nRequires-Dist: a\n\nRequires-Dist: b\n';
    expect(parseMetadata(text)).toEqual({
      name: 'nvidia-x',
      version: '1.2',
      requirements: [{ name: 'a', specifiers: [], extra: undefined }],
    });
  });
});

describe('a version', () => {
  test.each([
    ['13.5.37', '~=13.0', true],
    ['14.0', '~=13.0', false],
    ['12.9', '~=13.0', false],
    ['1.2.9', '~=1.2.3', true],
    ['1.3.0', '~=1.2.3', false],
    ['1.30.0', '==1.30', true],
    ['1.30.1', '==1.30', false],
    ['1.30.1', '==1.30.*', true],
    ['1.3.0', '==1.30.*', false],
    ['1.30.1', '!=1.30.*', false],
    ['1.31', '!=1.30', true],
    ['1.30', '===1.30', true],
    ['2', '<=2', true],
    ['2', '<2', false],
    ['2.0.1', '>2', true],
    ['1.9', '>=1.10', false],
    ['1', 'what', false],
  ])('%s %s: %s', (version, specifier, expected) => {
    expect(satisfies(version, [specifier])).toBe(expected);
  });
});

describe('a wheel', () => {
  test.each([
    ['a-1-py3-none-manylinux_2_27_x86_64.whl', true],
    ['a-1-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl', true],
    ['a-1-py3-none-manylinux1_x86_64.whl', true],
    ['a-1-1build-py3-none-manylinux2010_x86_64.whl', true],
    ['a-1-py3-none-manylinux_2_37_x86_64.whl', false],
    ['a-1-py3-none-manylinux_2_27_aarch64.whl', false],
    ['a-1-py3-none-musllinux_1_2_x86_64.whl', false],
    ['a-1-py3-none-win_amd64.whl', false],
    ['a-1-py3-none-any.whl', false],
  ])('%s runs on x64 with glibc 2.36: %s', (file, expected) => {
    expect(fits(wheel(file), X64)).toBe(expected);
  });

  test('is the newest final release, and always the same one of a version', () => {
    const versions = ['13.9.1', '13.10.0', '13.11.0rc1', '0.0.0a0'].map((version) =>
      wheel(`a-${version}-py3-none-manylinux1_x86_64.whl`),
    );
    expect(newestWheel(versions, { name: 'a', specifiers: [] }, X64)?.version).toBe('13.10.0');
    const pythons = ['cp313', 'cp311', 'cp312'].map((python) => wheel(`a-1-${python}-${python}-manylinux1_x86_64.whl`));
    expect(newestWheel(pythons, { name: 'a', specifiers: ['==1'] }, X64)?.file).toContain('cp311');
    expect(newestWheel(pythons, { name: 'b', specifiers: [] }, X64)).toBeUndefined();
  });

  test.each(['a-1.tar.gz', 'a-1.whl', 'a-1-py3-none-any.zip'])('%s is none', (file) => {
    expect(parseWheelName(file)).toBeUndefined();
  });
});
