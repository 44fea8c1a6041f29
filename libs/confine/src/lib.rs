//! A process shuts itself in: no core dumps, no new privileges, landlock, seccomp.
