using System.Text;
using System.Threading.Channels;
using Relay.Transport;
using Relay.Transport.Framing;
using Server.Tests.Support;

namespace Server.Tests.Federation;

/// <summary>A peer without a network: the test says what comes in and sees what goes out.</summary>
internal sealed class FakePeerSocket(ConnectionTable table) : FakeConnection(table)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Channel<string> _outgoing = Channel.CreateUnbounded<string>();

    public void Say(byte[] message) => Assert.True(SayAsync(FrameOpcode.Text, message).AsTask().Result);

    public void Say(string message) => Say(Encoding.UTF8.GetBytes(message));

    /// <summary>The next message that the server sent, or "close code text".</summary>
    public async Task<string> HearAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _outgoing.Reader.ReadAsync(patience.Token);
    }

    /// <summary>The same without gossip.</summary>
    public async Task<string> HearNoGossipAsync()
    {
        while (true)
        {
            if (await HearAsync() is var heard && !heard.StartsWith("{\"type\":\"gossip\"", StringComparison.Ordinal))
            {
                return heard;
            }
        }
    }

    public override bool Send(ReadOnlyMemory<byte> bytes)
    {
        _outgoing.Writer.TryWrite(Read(bytes.Span));
        return true;
    }
}
