//! The rules, each with a finding that it holds and one that it lets pass.
