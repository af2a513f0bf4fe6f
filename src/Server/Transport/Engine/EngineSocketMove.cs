using Google.Protobuf;
using Relay.Native;
using Relay.Protocol.Moving;

namespace Relay.Transport.Engine;

/// <summary>The sending side in a standstill, and how the descriptor leaves.</summary>
internal abstract partial class EngineSocket
{
    // Guarded by the monitor. While it is halted what is sent is kept; then, or when it is closed, it is touched: what was written of it is not all.
    private bool _isHalted;
    private bool _isTouched;

    protected enum Ending : byte
    {
        None,

        /// <summary>After what the system has taken.</summary>
        InOrder,

        /// <summary>At once.</summary>
        Reset,
    }

    public override bool IsKeeping
    {
        get
        {
            lock (this)
            {
                return !_unsent.IsEmpty;
            }
        }
    }

    /// <summary>Somebody sent or closed since <see cref="Halt"/>.</summary>
    public bool IsTouched
    {
        get
        {
            lock (this)
            {
                return _isTouched;
            }
        }
    }

    protected bool IsEnding
    {
        get
        {
            lock (this)
            {
                return _ending != Ending.None;
            }
        }
    }

    /// <summary>From now on nothing is sent. All loops stand still.</summary>
    public void Halt()
    {
        lock (this)
        {
            (_isHalted, _isTouched) = (true, false);
        }
    }

    public override void Touch()
    {
        lock (this)
        {
            _isTouched = true;
        }
    }

    /// <summary>It goes on where it stood.</summary>
    public void GoOn()
    {
        lock (this)
        {
            if (!_isHalted)
            {
                return;
            }

            _isHalted = false;
            if (IsAllSent)
            {
                return;
            }
        }

        loop.Post((EngineConnection)this, OnWritable);
    }

    /// <summary>What is still to be sent.</summary>
    protected ByteString Outgoing()
    {
        lock (this)
        {
            return IsAllSent ? ByteString.Empty : ByteString.CopyFrom([.. _rest.Span, .. _unsent.Span]);
        }
    }

    /// <summary>What another process has not sent yet.</summary>
    protected void Restore(MovedConnection state)
    {
        lock (this)
        {
            _isHalted = true;
            _rest.Keep(state.Outgoing.Span, Memory);
        }
    }

    /// <summary>The loop: the descriptor, which is its own from now on; -1: it has been taken.</summary>
    protected int TakeDescriptor(out bool isUnsent)
    {
        lock (this)
        {
            _rest.Remove(_rest.Length, Memory);
            (isUnsent, _unsent) = (!_unsent.IsEmpty, default);
            return Interlocked.Exchange(ref _descriptor, -1);
        }
    }

    /// <summary>Closes the descriptor here, and leaves the connection to whoever else has it: nothing is sent. Everything stands still.</summary>
    protected bool TryLeave(bool isWatched)
    {
        var descriptor = TakeDescriptor(out _);
        if (descriptor < 0)
        {
            return false;
        }

        if (isWatched)
        {
            // The system would go on reporting for as long as anybody has the connection open.
            loop.Forget((EngineConnection)this, descriptor);
        }

        Descriptors.Close(descriptor);
        return true;
    }
}
