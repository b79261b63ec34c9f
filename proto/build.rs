//! Compiles the `.proto` files with protox, so that building needs no protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["sendgate/v1/agents.proto", "sendgate/v1/control.proto"];
    for file in files {
        println!("cargo::rerun-if-changed={file}");
    }
    let set = protox::compile(files, ["."])?;
    tonic_prost_build::configure().compile_fds(set)?;
    Ok(())
}
