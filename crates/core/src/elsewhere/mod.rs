//! What a workflow does otherwise in another place than this computer, read off the document: said while it is drawn.
//!
//! Nothing here keeps a workflow from being handed over: what it does there may be just what is meant.

mod cluster;
mod server;

pub use cluster::{Around, INPUT_LIMIT, file_of, on_cluster};
pub use server::on_server;
