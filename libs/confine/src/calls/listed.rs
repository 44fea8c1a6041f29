//! The lists of system calls, by what they are for.

use libc::*;

/// What every service of ours needs: files, memory, threads, signals to itself, accepted sockets.
/// `clone`, `kill`, `prctl`, `ioctl`, `mmap`, `socket` and their like are let through by argument.
#[rustfmt::skip]
pub(super) const EVERYBODY: &[i64] = &[
    // Files. Which of them, landlock says.
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_close, SYS_close_range, SYS_lseek, SYS_openat, SYS_fstat, SYS_newfstatat, SYS_statx,
    SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_mkdirat, SYS_unlinkat,
    SYS_renameat, SYS_renameat2, SYS_linkat, SYS_ftruncate, SYS_fallocate, SYS_fsync,
    SYS_fdatasync, SYS_sync_file_range, SYS_fadvise64, SYS_copy_file_range, SYS_flock, SYS_fcntl,
    SYS_fchmod, SYS_fchmodat, SYS_umask, SYS_statfs, SYS_fstatfs, SYS_getcwd, SYS_dup, SYS_dup3,
    SYS_pipe2,
    // Memory that is there, and less of it.
    SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_mincore, SYS_mlock, SYS_mlock2, SYS_munlock,
    SYS_membarrier, SYS_msync,
    // Threads and their ends.
    SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_set_tid_address,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_getcpu,
    SYS_exit, SYS_exit_group, SYS_restart_syscall,
    // Signals.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    // Clocks.
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    // Waiting.
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_ppoll, SYS_eventfd2,
    // Sockets that exist.
    SYS_bind, SYS_listen, SYS_accept4, SYS_getsockname, SYS_getpeername, SYS_setsockopt,
    SYS_getsockopt, SYS_recvfrom, SYS_recvmsg, SYS_shutdown,
    // Who and where we are.
    SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_uname, SYS_sysinfo, SYS_getrusage, SYS_times, SYS_getrandom,
    // The same by the names that only the older processor families have.
    #[cfg(target_arch = "x86_64")] SYS_open,
    #[cfg(target_arch = "x86_64")] SYS_stat,
    #[cfg(target_arch = "x86_64")] SYS_lstat,
    #[cfg(target_arch = "x86_64")] SYS_access,
    #[cfg(target_arch = "x86_64")] SYS_readlink,
    #[cfg(target_arch = "x86_64")] SYS_mkdir,
    #[cfg(target_arch = "x86_64")] SYS_rmdir,
    #[cfg(target_arch = "x86_64")] SYS_unlink,
    #[cfg(target_arch = "x86_64")] SYS_rename,
    #[cfg(target_arch = "x86_64")] SYS_link,
    #[cfg(target_arch = "x86_64")] SYS_chmod,
    #[cfg(target_arch = "x86_64")] SYS_dup2,
    #[cfg(target_arch = "x86_64")] SYS_poll,
    #[cfg(target_arch = "x86_64")] SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")] SYS_time,
    #[cfg(not(target_arch = "riscv64"))] SYS_getrlimit,
];

/// What code of somebody else may need beyond that.
#[rustfmt::skip]
pub(super) const FOREIGN: &[i64] = &[
    // Its libraries become code.
    SYS_mmap, SYS_mprotect, SYS_memfd_create, SYS_mlockall, SYS_munlockall, SYS_get_mempolicy,
    // Files.
    SYS_truncate, SYS_symlinkat, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_getxattr,
    SYS_fgetxattr, SYS_sendfile, SYS_chdir, SYS_fchdir, SYS_inotify_init1, SYS_inotify_add_watch,
    SYS_inotify_rm_watch,
    // Waiting and clocks.
    SYS_pselect6, SYS_rt_sigsuspend, SYS_signalfd4, SYS_timerfd_create, SYS_timerfd_settime,
    SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_delete, SYS_setitimer,
    SYS_recvmmsg,
    // Who and where it is.
    SYS_getgroups, SYS_getresuid, SYS_getresgid, SYS_getsid, SYS_getpgid, SYS_getpriority,
    SYS_sched_setaffinity, SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_capget,
    #[cfg(target_arch = "x86_64")] SYS_select,
    #[cfg(target_arch = "x86_64")] SYS_pipe,
    #[cfg(target_arch = "x86_64")] SYS_eventfd,
    #[cfg(target_arch = "x86_64")] SYS_epoll_create,
    #[cfg(target_arch = "x86_64")] SYS_getdents,
    #[cfg(target_arch = "x86_64")] SYS_symlink,
    #[cfg(target_arch = "x86_64")] SYS_chown,
    #[cfg(target_arch = "x86_64")] SYS_creat,
    #[cfg(target_arch = "x86_64")] SYS_getpgrp,
    #[cfg(target_arch = "x86_64")] SYS_alarm,
    #[cfg(target_arch = "x86_64")] SYS_accept,
];

/// What a PKCS#11 module needs beside: several programs may share one token.
#[rustfmt::skip]
pub(super) const MODULE: &[i64] = &[
    SYS_shmget, SYS_shmat, SYS_shmdt, SYS_shmctl, SYS_semget, SYS_semop, SYS_semtimedop,
    SYS_semctl, SYS_msgget, SYS_msgsnd, SYS_msgrcv, SYS_msgctl,
];

/// What it takes to become another program. Which one, landlock says.
#[rustfmt::skip]
pub(super) const PROGRAM: &[i64] = &[
    SYS_execve,
    #[cfg(target_arch = "x86_64")] SYS_arch_prctl,
];
