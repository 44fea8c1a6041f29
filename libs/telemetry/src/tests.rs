//! One process-wide start, then: trace ids across headers, the log forms, the metrics page.
