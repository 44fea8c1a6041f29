//! One assembly, by the number of packages in the image: `cargo bench -p bom`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use job::CycloneDx;
use testkit::evidence::Fixture;

fn assemble(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("assemble");
    for (version, label) in [(CycloneDx::V1_6, "1.6"), (CycloneDx::V1_7, "1.7")] {
        for packages in [8, 300, 500, 3_000] {
            let wanted = Fixture::new().packages(packages);
            let wanted = wanted.request(move |r| r.spec.aibom.cyclone_dx = version);
            let (evidence, decision) = (wanted.verified(), wanted.decision());
            let bytes = bom::assemble(&evidence, &decision).unwrap().as_bytes().len();
            group.throughput(Throughput::Bytes(bytes.try_into().unwrap()));
            let id = BenchmarkId::new(label, packages);
            group.bench_with_input(id, &evidence, |b, e| {
                b.iter(|| bom::assemble(e, &decision).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, assemble);
criterion_main!(benches);
