//! The wire contracts of the mesh, generated from `aibom/<noun>/v1/<noun>.proto`.
//!
//! The comments in those files are the API reference; this crate adds nothing to them.

#![expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    reason = "generated code; the .proto files document it"
)]

/// The encoded `FileDescriptorSet` of every package, for reflection and for the topology test.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! package {
    ($noun:ident, $package:literal) => {
        pub mod $noun {
            /// Version 1 of the package.
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    };
}

package!(advisory, "aibom.advisory.v1");
package!(artifact, "aibom.artifact.v1");
package!(dispatch, "aibom.dispatch.v1");
package!(evidence, "aibom.evidence.v1");
package!(job, "aibom.job.v1");
package!(ledger, "aibom.ledger.v1");
package!(review, "aibom.review.v1");
package!(scan, "aibom.scan.v1");
package!(signer, "aibom.signer.v1");
package!(verifier, "aibom.verifier.v1");
