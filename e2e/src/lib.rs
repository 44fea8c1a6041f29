//! The mesh over real sockets, containers and tools
