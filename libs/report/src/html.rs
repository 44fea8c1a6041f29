//! One self-contained HTML page for people.
