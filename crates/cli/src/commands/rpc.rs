//! `baton rpc`: one command of the api, as the window would ask it.

use std::path::Path;

use baton_api::COMMANDS;
use serde_json::Value;

use crate::args::Rpc;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::source;
use crate::trouble::Trouble;

pub(crate) async fn run(args: &Rpc, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    if args.name == "list" {
        let list: serde_json::Map<String, Value> = COMMANDS
            .iter()
            .map(|(name, about)| ((*name).to_owned(), (*about).into()))
            .collect();
        print(args, &Value::Object(list), out);
        return Ok(Exit::Success);
    }
    let request = source::json_argument(&args.request)?;
    let session = Session::open(data).await?;
    let answer: Result<Value, _> = session.call(&args.name, &request).await;
    session.close().await;
    print(args, &answer?, out);
    Ok(Exit::Success)
}

fn print(args: &Rpc, answer: &Value, out: &mut Out) {
    if args.json {
        out.json(answer);
    } else {
        out.line(&format!("{answer:#}"));
    }
}
