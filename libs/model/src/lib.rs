//! Model files read without running them: archive structure and layer allow-list
