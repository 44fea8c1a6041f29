//! An engine that does what a test says, in front of the real one.

use async_trait::async_trait;
use evidence::Engine as EngineFact;
use executor::{
    docker::DockerEngine,
    engine::{
        Engine, EngineError, ImageFact, Inspection, Left, OutputStream, Settings, Signal, Stats,
    },
};
use job::Image;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The executor's own code panics.
    Panic,
    /// The engine gives the container a network.
    Network,
    /// The engine dies while the container runs.
    Wait,
    /// The kernel's counters of the container cannot be seen from where the executor runs.
    Blind,
    /// The engine comes back, and has ended the container.
    Restart,
}

/// The real engine with one fault.
#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) real: DockerEngine,
    pub(crate) fault: Fault,
}

#[async_trait]
impl Engine for Faulty {
    async fn describe(&self) -> Result<EngineFact, EngineError> {
        self.real.describe().await
    }

    async fn host_os(&self) -> Result<Option<String>, EngineError> {
        self.real.host_os().await
    }

    async fn image(&self, image: &Image) -> Result<ImageFact, EngineError> {
        self.real.image(image).await
    }

    async fn images(&self) -> Result<Vec<String>, EngineError> {
        self.real.images().await
    }

    async fn create(&self, settings: &Settings) -> Result<String, EngineError> {
        let id = self.real.create(settings).await;
        assert!(self.fault != Fault::Panic, "the test asked for a panic");
        id
    }

    async fn attach(&self, id: &str) -> Result<OutputStream, EngineError> {
        self.real.attach(id).await
    }

    async fn start(&self, id: &str) -> Result<(), EngineError> {
        assert!(self.fault != Fault::Network, "a container with a network was started");
        self.real.start(id).await
    }

    async fn wait(&self, id: &str) -> Result<(), EngineError> {
        match self.fault {
            Fault::Wait => Err(EngineError::Away("the socket is closed".to_owned())),
            Fault::Restart => {
                self.real.signal(id, Signal::Kill).await?;
                self.real.wait(id).await
            }
            _ => self.real.wait(id).await,
        }
    }

    async fn inspect(&self, id: &str, settings: &Settings) -> Result<Inspection, EngineError> {
        let mut found = self.real.inspect(id, settings).await?;
        if self.fault == Fault::Network {
            found.container.network_mode = "bridge".to_owned();
        }
        if self.fault == Fault::Blind {
            found.pid = 0;
        }
        Ok(found)
    }

    async fn stats(&self, id: &str) -> Result<Stats, EngineError> {
        self.real.stats(id).await
    }

    async fn signal(&self, id: &str, signal: Signal) -> Result<(), EngineError> {
        self.real.signal(id, signal).await
    }

    async fn remove(&self, id: &str) -> Result<(), EngineError> {
        self.real.remove(id).await
    }

    async fn left_by(&self, executor: &str) -> Result<Vec<Left>, EngineError> {
        self.real.left_by(executor).await
    }
}
