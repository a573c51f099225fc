//! All findings about a document at once.
