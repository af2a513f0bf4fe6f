using System.Buffers;
using Relay.Addresses;
using Relay.Protocol.Moving;

namespace Relay.Transport.Engine;

/// <summary>How a connection leaves for another process, and how it comes from one. Its loop stands still, or does not know it yet.</summary>
internal sealed partial class EngineConnection
{
    /// <summary>Its request is not whole, and lies in the socket.</summary>
    public bool IsRequesting => _reading == Reading.Request && !IsSocketClosed && !IsEnding;

    /// <summary>What it carries; null: it has not been decided, or it is not whole.</summary>
    public IConnectionHandler? Handler => _handler;

    /// <summary>Messages come and go: it is not closing.</summary>
    public bool IsOpen => _handler is not null && _reading is Reading.Messages or Reading.Paused && !IsSocketClosed && !IsEnding;

    /// <summary>Somebody works on what has come, or waits to.</summary>
    public bool IsWorking => _paused is not null;

    /// <summary>Takes note of who is done.</summary>
    public void Settle()
    {
        if (_paused is { IsDone: true } paused)
        {
            _paused = null;
            try
            {
                Resume(paused);
            }
            catch (Exception)
            {
                // As on the loop: a bug ends the connection. It has been logged by whoever worked.
                Abort();
            }
        }
    }

    /// <summary>Writes down what the connection is, and gives its descriptor, which stays its own.</summary>
    public int Save(MovedConnection state)
    {
        state.Peer = MovedAddresses.ToMessage(Key);
        state.ClaimKind = (uint)Claim.Kind;
        state.ClaimSource = MovedAddresses.ToMessage(Claim.Source);
        state.Listener = LocalEndPoint.ToString()!;
        state.Outgoing = Outgoing();
        state.IsPastProxyHeader = IsPastProxyHeader;
        return Descriptor;
    }

    /// <summary>The same connection, which does nothing until <see cref="Arrive"/>.</summary>
    /// <param name="handler">Null: its request is not whole.</param>
    public void Restore(MovedConnection state, IConnectionHandler? handler)
    {
        Restore(state);
        Claim = new ProxyClaim((ProxyClaimKind)state.ClaimKind, MovedAddresses.Read(state.ClaimSource));
        IsPastProxyHeader = state.IsPastProxyHeader;
        _handler = handler;
        _reading = handler is null ? Reading.Request : Reading.Messages;
    }

    /// <summary>The loop: from now on it is this process' alone.</summary>
    /// <param name="unread">What the process before has received and not read: it comes before what is in the socket.</param>
    public void Arrive(ReadOnlySpan<byte> unread)
    {
        Loop.Enter(this);
        if (!TryWatch())
        {
            Finish(isReset: true);
            return;
        }

        GoOn();
        if (!unread.IsEmpty)
        {
            Feed(unread);
        }

        // Whoever wanted its attention before the loop knew it.
        Loop.Post(this);
    }

    /// <summary>The other process has it: forgets it here, and nobody at the other end notices.</summary>
    public void Depart()
    {
        if (TryLeave(isWatched: true))
        {
            // Whoever works on what has come has nobody to answer to.
            _paused = null;
            CancelClosed();
            OnSocketClosed();
        }
    }

    /// <summary>It stays with the other process, though it was taken in here.</summary>
    public void Decline()
    {
        if (TryLeave(isWatched: false))
        {
            OnSocketClosed();
            _handler?.OnClosed();
        }
    }

    // As what is received, in a buffer of its own.
    private void Feed(ReadOnlySpan<byte> bytes)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        var handled = _handler!.OnBytesAsync(buffer.AsMemory(0, bytes.Length));
        if (!handled.IsCompleted)
        {
            _reading = Reading.Paused;
            _paused = new PausedRead(this, handled, buffer);
            return;
        }

        EngineLoop.ReturnBuffer(buffer);
        OnHandled(handled.GetAwaiter().GetResult());
    }
}
