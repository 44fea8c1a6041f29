//! The model card in Markdown, with the front matter that Hugging Face reads.
