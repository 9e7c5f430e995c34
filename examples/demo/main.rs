//! One service with every feature of this workspace: cookie sessions and tokens for the same
//! users, a list of devices, and every way to take a login back.
//!
//! ```sh
//! cargo run -p auth-examples --example demo
//! ```

mod app;
mod args;
mod form;
mod grpc;
mod problem;
mod routes;
mod trust;
mod users;

use std::{error::Error, process::ExitCode};

use clap::Parser;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{net::TcpListener, sync::watch};

use crate::{app::App, args::Args};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let metrics = PrometheusBuilder::new().install_recorder()?;
    let app = App::new(&args).await?;

    let http = TcpListener::bind(args.listen)
        .await
        .map_err(|error| format!("{}: {error}", args.listen))?;
    let address = http.local_addr()?;

    // Ctrl-C ends both servers: each finishes what it is answering.
    let (stop, stopped) = watch::channel(());
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        drop(stop);
    });
    let until = |mut stopped: watch::Receiver<()>| async move {
        // An error means that the sender is gone.
        while stopped.changed().await.is_ok() {}
    };

    let grpc = match args.grpc {
        Some(grpc) => {
            let listener = TcpListener::bind(grpc)
                .await
                .map_err(|error| format!("{grpc}: {error}"))?;
            println!("listening on grpc://{}", listener.local_addr()?);
            let server = grpc::serve(app.clone(), listener, until(stopped.clone()));
            Some(tokio::spawn(server))
        }
        None => None,
    };
    println!("listening on http://{address}");
    welcome(&format!("http://{address}"));

    axum::serve(http, routes::router(app, metrics)?)
        .with_graceful_shutdown(until(stopped))
        .await?;
    if let Some(grpc) = grpc {
        grpc.await??;
    }
    Ok(())
}

fn welcome(url: &str) {
    println!(
        "
Open {url} in a browser, or try:

  curl -c jar -d user=alice -d password=wonderland {url}/session/login
  curl -b jar {url}/api/me
  curl -d user=admin -d password=root-of-trust {url}/token/login

Users: alice / wonderland (scope read), admin / root-of-trust (scopes read admin)"
    );
}
