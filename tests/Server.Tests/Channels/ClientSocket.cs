using Relay.Transport;
using Relay.Transport.Framing;
using Server.Tests.Support;

namespace Server.Tests.Channels;

/// <summary>A client's end of a session without a network: it keeps what the server sends, unless it is stuck and reads nothing.</summary>
internal sealed class ClientSocket(ConnectionTable table, bool stuck) : FakeConnection(table)
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _heard = [];

    // Guarded by _heard.
    private bool _isStuck = stuck;
    private string? _pending;

    /// <summary>All that was heard so far.</summary>
    public IReadOnlyList<string> Heard
    {
        get
        {
            lock (_heard)
            {
                return [.. _heard];
            }
        }
    }

    /// <summary>Runs before each message that the server sends, on its thread.</summary>
    public Action? Sending { get; set; }

    /// <summary>Ends when the server sends the first message.</summary>
    public Task Asked => _asked.Task;

    /// <summary>A stuck client reads again.</summary>
    public void Read()
    {
        string? pending;
        lock (_heard)
        {
            _isStuck = false;
            (pending, _pending) = (_pending, null);
            Keep(pending);
        }

        if (pending is not null)
        {
            Owner.OnSent();
        }
    }

    /// <summary>The client says that it leaves; it reads what is still on its way.</summary>
    public void Leave()
    {
        Read();
        if (!Over.IsCompleted)
        {
            Assert.False(SayAsync(FrameOpcode.Close, [0x03, 0xE8]).AsTask().Result);
        }
    }

    public override bool Send(ReadOnlyMemory<byte> bytes)
    {
        Sending?.Invoke();
        var text = Read(bytes.Span);
        lock (_heard)
        {
            if (_isStuck)
            {
                _pending = text;
            }
            else
            {
                Keep(text);
            }

            _asked.TrySetResult();
            return _pending is null;
        }
    }

    public override void Abort()
    {
        base.Abort();
        ThreadPool.QueueUserWorkItem(_ => Cut());
    }

    private void Keep(string? text)
    {
        if (text is not null && !text.StartsWith("close ", StringComparison.Ordinal))
        {
            _heard.Add(text);
        }
    }
}
