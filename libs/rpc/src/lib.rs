//! mTLS transport, the policy table, limits, deadlines, health and drain
