//! Ends of the socket that do not keep to the protocol: each is cut off, and the next one works.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    thread,
};

use hsm::agent::{AgentStore, Answer, FromAgent, Request, ServeError, hand_over, serve};
use keys::{FileKey, KeyId, KeyStore as _, SigningKey as _};

use crate::{faulty, supervised::until};

/// A store, the way to hand agents to it, and a key that it asks for.
struct Victim {
    store: AgentStore,
    control: UnixStream,
    key_id: KeyId,
}

impl Victim {
    fn new() -> Self {
        let (control, services) = UnixStream::pair().unwrap();
        let store = AgentStore::connect(services).unwrap();
        Self { store, control, key_id: faulty::key_ids()[0] }
    }

    /// The socket of an agent that is this test.
    fn agent(&self) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        hand_over(&self.control, theirs).unwrap();
        ours
    }

    /// An agent that says it is ready, and was heard.
    fn ready_agent(&self) -> UnixStream {
        let mut agent = self.agent();
        agent.write_all(&FromAgent::State(Ok(())).encode().unwrap()).unwrap();
        until("it is ready", || self.store.ready().is_ok());
        agent
    }

    fn find(&self) -> Result<(), String> {
        self.store.find(self.key_id).map(drop).map_err(|error| error.to_string())
    }

    /// An agent that answers the first request with `answer`.
    fn answered(&self, answer: &Answer) -> Result<(), String> {
        let mut agent = self.ready_agent();
        thread::scope(|scope| {
            let asked = scope.spawn(|| self.find());
            let id = read_request(&mut agent);
            agent.write_all(&FromAgent::Answer(id, answer.clone()).encode().unwrap()).unwrap();
            asked.join().unwrap()
        })
    }
}

/// The number of the next request.
fn read_request(agent: &mut UnixStream) -> u64 {
    let mut length = [0; 4];
    agent.read_exact(&mut length).unwrap();
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    agent.read_exact(&mut body).unwrap();
    Request::decode(&body).unwrap().0
}

#[test]
fn an_agent_that_sends_no_frames_is_cut_off() {
    let victim = Victim::new();
    let answer = |id: u64| FromAgent::Answer(id, Answer::Missing).encode().unwrap();
    for wrong in [
        b"\x00\x00\x00\x02hi".to_vec(),
        b"\xff\xff\xff\xff".to_vec(),
        b"\x00\x00\x00\x09\0\0\0\0\0\0\0\x01\xee".to_vec(),
        answer(0),
        answer(99),
    ] {
        let mut agent = victim.ready_agent();
        agent.write_all(&wrong).unwrap();
        // The end of the stream: nothing more is read from this agent.
        assert_eq!(agent.read_to_end(&mut Vec::new()).unwrap(), 0, "{wrong:?}");
        until("it is away", || victim.store.ready().is_err());
    }
}

#[test]
fn half_a_frame_of_a_dying_agent_does_not_reach_the_next() {
    let victim = Victim::new();
    let missing = Answer::Missing;
    let mut dying = victim.ready_agent();
    thread::scope(|scope| {
        let asked = scope.spawn(|| victim.find());
        let id = read_request(&mut dying);
        let frame = FromAgent::Answer(id, Answer::Found(vec![1; 100])).encode().unwrap();
        dying.write_all(&frame[..50]).unwrap();
        drop(dying);
        let error = asked.join().unwrap().unwrap_err();
        assert!(error.contains("the key agent ended"), "{error}");
    });
    until("it is away", || victim.store.ready().is_err());
    let error = victim.answered(&missing).unwrap_err();
    assert!(error.contains("has no key"), "{error}");
}

#[test]
fn another_key_than_the_asked_one_is_refused() {
    let victim = Victim::new();
    let other = FileKey::from_pem(&keys::generate_ed25519(&[9; 32]).unwrap()).unwrap();
    let other = other.public_key().spki_der().to_vec();
    for wrong in [other, b"no key".to_vec()] {
        let error = victim.answered(&Answer::Found(wrong)).unwrap_err();
        assert!(error.contains("gave another key"), "{error}");
        until("the former agent's end is seen", || victim.store.ready().is_err());
    }
    let error = victim.answered(&Answer::Signed(vec![1])).unwrap_err();
    assert!(error.contains("did not answer what was asked"), "{error}");
}

#[test]
fn an_agent_refuses_what_is_no_request_and_ends_with_its_service() {
    let open = || Err("no module".to_owned());
    let (_service, agent) = UnixStream::pair().unwrap();
    assert!(matches!(serve(agent, open), Err(ServeError::Open(reason)) if reason == "no module"));

    let (mut service, agent) = UnixStream::pair().unwrap();
    let served = thread::spawn(|| serve(agent, || Ok(faulty::FaultyStore::open())));
    service.write_all(b"\x00\x00\x00\x09\0\0\0\0\0\0\0\x01\xee").unwrap();
    assert!(matches!(served.join().unwrap(), Err(ServeError::Protocol(_))));

    let (mut service, agent) = UnixStream::pair().unwrap();
    let served = thread::spawn(|| serve(agent, || Ok(faulty::FaultyStore::open())));
    service.write_all(b"\xff\xff\xff\xff").unwrap();
    assert!(matches!(served.join().unwrap(), Err(ServeError::System(_))));

    let (service, agent) = UnixStream::pair().unwrap();
    let served = thread::spawn(|| serve(agent, || Ok(faulty::FaultyStore::open())));
    drop(service);
    served.join().unwrap().unwrap();
}
