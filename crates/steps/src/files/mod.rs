//! Files of tables, in and out.

mod csv;
mod encoding;
mod excel;
mod format;
mod xlsx;

pub(crate) use csv::{BadRows, CsvOptions, delimiter};
pub(crate) use encoding::{Encoding, to_utf8};
pub(crate) use excel::read as read_excel;
pub(crate) use format::Format;
pub(crate) use xlsx::write as write_xlsx;
