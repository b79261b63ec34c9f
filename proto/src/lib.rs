//! The wire contract of Sendgate: the generated code of `sendgate/v1/*.proto`, and nothing else.
//! What each message means is said in the `.proto` files, which are the reference.

/// Version 1 of the contract.
#[allow(
    missing_docs,
    clippy::large_enum_variant,
    reason = "generated code: the .proto files carry the documentation, and reports outweigh all other messages"
)]
pub mod v1 {
    tonic::include_proto!("sendgate.v1");
}
