//! The database in a directory: what is imported, what is refused, what scans may rest on.

#[cfg(test)]
mod imports;
#[cfg(test)]
mod made;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod usable;
