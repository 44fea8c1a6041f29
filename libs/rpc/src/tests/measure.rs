//! temporary
use super::{mesh::Mesh, service::quick};
use ids::Role;
use proto::artifact::v1::{UploadRequest, DownloadRequest, upload_request::Part};
use tokio_stream::StreamExt as _;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore]
async fn measure() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut client = mesh.client(&server, Role::User);
    for kib in [64, 256, 1024] {
        let chunk = bytes::Bytes::from(vec![1; kib * 1024]);
        let n = 512 * 1024 / kib;
        let parts = (0..n).map(move |_| UploadRequest { part: Some(Part::Chunk(chunk.clone())) });
        let s = std::time::Instant::now();
        client.upload(tokio_stream::iter(parts)).await.unwrap();
        eprintln!("upload {kib} KiB: {:.0} MB/s", 537.0 / s.elapsed().as_secs_f64());
    }
    let s = std::time::Instant::now();
    let mut d = client.download(DownloadRequest { sha256: "8192".into(), ..Default::default() }).await.unwrap().into_inner();
    while let Some(p) = d.next().await { p.unwrap(); }
    eprintln!("download 64 KiB: {:.0} MB/s", 537.0 / s.elapsed().as_secs_f64());
    for flight in [1, 64] {
        let s = std::time::Instant::now();
        let n = 20_000 / if flight == 1 { 10 } else { 1 };
        let tasks: Vec<_> = (0..flight).map(|_| { let mut c = client.clone(); tokio::spawn(async move { for _ in 0..n / flight { c.stat(quick()).await.unwrap(); } }) }).collect();
        for t in tasks { t.await.unwrap(); }
        eprintln!("{flight} in flight: {:.0}/s", n as f64 / s.elapsed().as_secs_f64());
    }
}
