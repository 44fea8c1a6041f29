//! How the socket of a new agent reaches the service, and how a child process finds its own.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{fd::AsFd as _, unix::net::UnixStream},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// What accompanies a descriptor: a message cannot be empty.
const NEW_AGENT: &[u8] = b"a";

/// Gives the service at the other end of `control` the socket `agent`, whose other end an agent was
/// started with. It is closed here: a copy that stayed open would hide the end of either side.
///
/// # Errors
/// When the service is gone.
pub fn hand_over(control: &UnixStream, agent: UnixStream) -> io::Result<()> {
    let descriptors = [agent.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no place for a descriptor"));
    }
    sendmsg(control, &[IoSlice::new(NEW_AGENT)], &mut ancillary, SendFlags::NOSIGNAL)?;
    drop(agent);
    Ok(())
}

/// Waits for the socket of the next agent; `None` when the supervisor is gone.
pub(crate) fn next_agent(control: &UnixStream) -> io::Result<Option<UnixStream>> {
    loop {
        let mut byte = [0; 1];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut data = [IoSliceMut::new(&mut byte)];
        let got = match recvmsg(control, &mut data, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        let agent = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        match (agent, got.bytes) {
            (Some(agent), _) => return Ok(Some(UnixStream::from(agent))),
            (None, 0) => return Ok(None),
            (None, _) => {}
        }
    }
}

/// The socket that the supervisor gave to this process as its standard input.
///
/// # Errors
/// When standard input is closed or cannot be duplicated.
pub fn inherited() -> io::Result<UnixStream> {
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}
