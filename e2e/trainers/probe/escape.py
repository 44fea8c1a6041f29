"""What a hostile training job might try. Each attempt raises when it is refused; returning means success.

Every attempt is short, bounded in time, and changes nothing that outlives the container even where it
succeeds.
"""

import ctypes
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

TIMEOUT_S = 2
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
PTRACE_SEIZE = 0x4206
MS_BIND = 4096
SYS_INIT_MODULE, SYS_BPF, SYS_KEYCTL, SYS_PERF_EVENT_OPEN = 175, 321, 250, 298  # x86-64


def call(result: int) -> None:
    """Turns a failed C call into an error."""
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def attempted(attempt: Callable[[], object]) -> tuple[bool, str]:
    """Runs one attempt in a child process, so that one cannot change the conditions of the next."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(5 * TIMEOUT_S)
        try:
            detail = f"+{attempt() or 'allowed'}"
        except BaseException as error:  # a refusal, whatever its kind
            detail = f"-{type(error).__name__}: {error}"
        os.write(writer, detail.encode()[:500])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        detail = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return detail.startswith("+"), detail[1:] or "ended by a signal"


def connect(host: str, port: int) -> None:
    """Opens a TCP connection."""
    socket.create_connection((host, port), timeout=TIMEOUT_S).close()


def resolve_name() -> str:
    """Asks for a name by hand and through the resolver."""
    socket.setdefaulttimeout(TIMEOUT_S)
    return str(socket.getaddrinfo("example.com", 443))


def foreign_interfaces() -> str:
    """Looks for a network interface beside loopback."""
    names = [name for _, name in socket.if_nameindex() if name != "lo"]
    if not names:
        raise PermissionError("only loopback")
    return ", ".join(names)


def engine_socket() -> str:
    """Talks to a container engine, wherever its socket may lie."""
    for path in (
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/podman/podman.sock",
    ):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            try:
                client.connect(path)
                return path
            except OSError:
                continue
    raise FileNotFoundError("no engine socket")


def write_into(folder: str) -> str:
    """Creates a file."""
    path = Path(folder) / ".probe"
    path.write_text("x", encoding="utf-8")
    path.unlink()
    return str(path)


def overwrite(path: str) -> None:
    """Opens an existing file for writing, without changing it."""
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


def mount_tmpfs() -> None:
    """Mounts a file system."""
    call(LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None))


def remount_root() -> None:
    """Makes the root writable again."""
    call(LIBC.mount(b"none", b"/", None, 32 | MS_BIND, None))  # MS_REMOUNT | MS_BIND


def unshare(flags: int) -> Callable[[], None]:
    """Enters a new namespace."""
    return lambda: call(LIBC.unshare(flags))


def enter_host_namespace() -> None:
    """Joins the namespaces of process 1, then looks whether they were ours already."""
    with open("/proc/1/ns/mnt", "rb") as namespace:
        call(LIBC.setns(namespace.fileno(), 0))


def become_root() -> None:
    """Changes the user to root."""
    os.setuid(0)


def trace_first_process() -> None:
    """Attaches a debugger to process 1; where that is the probe itself, nothing is gained by it."""
    LIBC.ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    LIBC.ptrace.restype = ctypes.c_long
    call(LIBC.ptrace(PTRACE_SEIZE, 1, None, None))
    if b"probe.py" in Path("/proc/1/cmdline").read_bytes():
        raise PermissionError("process 1 is the probe itself")


def make_device() -> str:
    """Makes a node for the first disk and reads from it."""
    path = "/tmp/disk"
    os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(8, 0))
    return path


def sysrq() -> None:
    """Opens the kernel's panic button, without pressing it."""
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))


def load_module() -> None:
    """Hands an empty module to the kernel: only the refusal for want of permission counts as one."""
    result = LIBC.syscall(SYS_INIT_MODULE, b"", 0, b"")
    error = ctypes.get_errno()
    if result == -1 and error in (1, 38):  # EPERM, ENOSYS
        raise OSError(error, os.strerror(error))


def read_shadow() -> str:
    """Reads the password file."""
    return Path("/etc/shadow").read_text(encoding="utf-8")[:20]


def raw_socket() -> None:
    """Opens a raw socket."""
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def packet_socket() -> None:
    """Opens a packet socket, to listen on the wire."""
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300).close()


def run_from_tmp() -> str:
    """Copies a program to /tmp, marks it set-user-id and runs it."""
    target = Path("/tmp/program")
    target.write_bytes(Path("/usr/bin/id").read_bytes())
    target.chmod(0o4755)
    return subprocess.run([target], capture_output=True, check=True, timeout=TIMEOUT_S, text=True).stdout


def set_user_id_gain() -> str:
    """Gains privileges through a set-user-id program of the image."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if fields["NoNewPrivs"] == "1" and int(fields["CapBnd"], 16) == 0:
        raise PermissionError("no_new_privs is set and the bounding set is empty")
    return f"NoNewPrivs={fields['NoNewPrivs']} CapBnd={fields['CapBnd']}"


def system_call(number: int) -> Callable[[], None]:
    """Calls a system call that a training job never needs; anything but a refusal is a success."""

    def attempt() -> None:
        result = LIBC.syscall(number, 0, 0, 0, 0, 0)
        error = ctypes.get_errno()
        if result == -1 and error in (1, 13, 38):  # EPERM, EACCES, ENOSYS
            raise OSError(error, os.strerror(error))

    return attempt


def other_processes() -> str:
    """Looks for processes that are not ours."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    foreign = [pid for pid in pids if pid not in (1, os.getpid(), os.getppid())]
    if not foreign:
        raise PermissionError("only our own processes are visible")
    return f"{len(foreign)} foreign processes"


def change_hostname() -> None:
    """Changes the host's name to what it is already."""
    name = socket.gethostname().encode()
    call(LIBC.sethostname(name, len(name)))


def write_kernel_setting() -> None:
    """Opens a kernel setting for writing: the way to a program run by the host's kernel."""
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))


def release_agent() -> str:
    """Makes a control group of its own, the first step of a known escape."""
    for base in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"):
        try:
            os.mkdir(f"{base}/probe")
        except OSError as error:
            refusal = error
        else:
            os.rmdir(f"{base}/probe")
            return base
    raise refusal


ATTEMPTS: tuple[tuple[str, Callable[[], object]], ...] = (
    ("connect_internet", lambda: connect("1.1.1.1", 443)),
    ("connect_cloud_metadata", lambda: connect("169.254.169.254", 80)),
    ("connect_host_gateway", lambda: connect("172.17.0.1", 22)),
    ("resolve_name", resolve_name),
    ("foreign_interfaces", foreign_interfaces),
    ("engine_socket", engine_socket),
    ("write_root", lambda: write_into("/")),
    ("write_usr", lambda: write_into("/usr")),
    ("write_etc", lambda: write_into("/etc")),
    ("write_dev", lambda: write_into("/dev")),
    ("write_input_directory", lambda: write_into("/aibom/in")),
    ("overwrite_input", lambda: overwrite("/aibom/in/dataset.csv")),
    ("mount_tmpfs", mount_tmpfs),
    ("remount_root", remount_root),
    ("unshare_user", unshare(CLONE_NEWUSER)),
    ("unshare_mount", unshare(CLONE_NEWNS)),
    ("unshare_network", unshare(CLONE_NEWNET)),
    ("enter_host_namespace", enter_host_namespace),
    ("become_root", become_root),
    ("trace_first_process", trace_first_process),
    ("make_device", make_device),
    ("sysrq", sysrq),
    ("load_module", load_module),
    ("bpf", system_call(SYS_BPF)),
    ("keyctl", system_call(SYS_KEYCTL)),
    ("perf_event_open", system_call(SYS_PERF_EVENT_OPEN)),
    ("read_shadow", read_shadow),
    ("raw_socket", raw_socket),
    ("packet_socket", packet_socket),
    ("run_from_tmp", run_from_tmp),
    ("set_user_id_gain", set_user_id_gain),
    ("other_processes", other_processes),
    ("change_hostname", change_hostname),
    ("write_kernel_setting", write_kernel_setting),
    ("control_group", release_agent),
)
