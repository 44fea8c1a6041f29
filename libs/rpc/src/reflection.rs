//! grpc.reflection v1 and v1alpha, over the contracts of `proto`, for one server's services.

use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

fn builder<'a>(names: &[&'static str]) -> Builder<'a> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
}

/// Adds both versions of the service to `routes`.
pub(crate) fn add(routes: Routes, names: &[&'static str]) -> Result<Routes, Error> {
    let v1 = builder(names).with_service_name("grpc.reflection.v1.ServerReflection").build_v1()?;
    let alpha = builder(names)
        .with_service_name("grpc.reflection.v1alpha.ServerReflection")
        .build_v1alpha()?;
    Ok(routes.add_service(v1).add_service(alpha))
}
