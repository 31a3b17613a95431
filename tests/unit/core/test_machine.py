import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vlbench.core.errors import LacksMemory
from vlbench.core.machine import enough_memory, fault_line, is_machine_fault, is_out_of_memory


def of(code, name=None):
    return OSError(code, os.strerror(code), *filter(None, [name]))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_names_the_folder_and_the_file(tmp_path, code):
    path = tmp_path / "r" / "a.json"
    said = fault_line(of(code, str(path)))
    assert said == (
        f"{path}: {os.strerror(code)}; make room in {path.parent} or name another place; the same command "
        "goes on from what is finished"
    )
    assert f"make room in {tmp_path} or" in fault_line(of(code, str(tmp_path)))
    assert fault_line(of(code)).startswith(f"{os.strerror(code)}; make room where it writes or")


def test_a_name_that_no_folder_takes_is_a_line_too(tmp_path):
    path = tmp_path / ("x" * 5000)
    assert fault_line(of(errno.ENAMETOOLONG, str(path))).endswith("; name another place or free this one")


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_is_not_allowed_is_not_called_damaged(tmp_path, code):
    said = fault_line(of(code, str(tmp_path / "a.json")))
    assert f"let this user read and write in {tmp_path}, or name another place" in said
    assert "damaged" not in said


def test_too_many_open_files_are_told_with_the_way_out(tmp_path):
    assert "ulimit -n" in fault_line(of(errno.EMFILE, str(tmp_path / "a")))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        of(errno.ENOMEM),
        OSError("Cannot allocate memory (os error 12)"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("can't start new thread"),
        RuntimeError("could not create a primitive"),
        RuntimeError("Storage size calculation overflowed with sizes=[99999999999999999, 3, 64, 64]"),
        SystemError("error return without exception set"),
        SystemError("<function _find_and_load at 0x7fcd72c8fce0> returned NULL without setting an exception"),
    ],
    ids=str,
)
def test_lack_of_memory_is_known_whatever_says_it(error):
    assert is_out_of_memory(error)
    assert is_machine_fault(error)
    assert "--batch-size" in fault_line(error)
    said = r"^too little memory to try \(.+\); try less$"
    with pytest.raises(LacksMemory, match=said), enough_memory("to try", "try less"):
        raise error


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), of(errno.ENOENT, "f"), OSError("no image"), ImportError("no x")]
)
def test_other_errors_are_no_fault_of_the_machine(error):
    assert not is_machine_fault(error)
    with pytest.raises(type(error)), enough_memory("to try", "try less"):
        raise error


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the address space is read from /proc")
def test_torch_says_what_is_known_where_memory_lacks():
    """Its own allocator's words, in a process whose address space ends a little above what it has."""
    code = (
        "import resource, torch; from vlbench.core.machine import is_out_of_memory\n"
        "kb = int(next(line for line in open('/proc/self/status') if line.startswith('VmSize')).split()[1])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (kb * 1024 + 2**28, -1))\n"
        "try: torch.zeros(2**28)\n"
        "except Exception as error: print(type(error).__name__, is_out_of_memory(error))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "RuntimeError True\n"


def test_a_torchvision_whose_own_library_did_not_load_is_a_line():
    error = RuntimeError("operator torchvision::nms does not exist")
    assert is_machine_fault(error)
    assert "(operator torchvision::nms does not exist): memory lacks" in fault_line(error)
