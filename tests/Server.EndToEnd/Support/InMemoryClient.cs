using System.Text;
using Relay.Addresses;
using Relay.Sessions;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.EndToEnd.Support;

/// <summary>A client of the real server whose connection is in memory: what is counted is the server's own cost.</summary>
internal sealed class InMemoryClient(ConnectionTable table) : Connection(table)
{
    private IConnectionHandler? _handler;

    /// <summary>Frames that the server has sent.</summary>
    public int Frames { get; private set; }

    public override CancellationToken Closed => CancellationToken.None;

    protected override bool IsSocketClosed => false;

    public static InMemoryClient Create(RelayServer server) => new(server.Get<ConnectionTable>());

    /// <summary>A masked text frame.</summary>
    public static byte[] Frame(string text)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        var frame = new byte[FrameWriter.HeadBytes(payload.Length, FrameRole.Client) + payload.Length];
        FrameWriter.Write(frame, FrameOpcode.Text, payload, FrameRole.Client);
        return frame;
    }

    public void Open(SessionServices services, ISessionHandler handler)
    {
        var address = IpKey.FromIpv4(0x0A000001);
        Open(new Session(services.Table.NextId(), address, address, this, handler, services));
    }

    public void Open(IConnectionHandler handler)
    {
        _handler = handler;
        handler.OnOpened();
    }

    /// <summary>Bytes come in; the server is done with them when this returns. They are unmasked in place.</summary>
    public void Receive(Memory<byte> bytes)
    {
#pragma warning disable CA2012 // Nothing is awaited: the test is about what completes at once.
        var task = _handler!.OnBytesAsync(bytes);
#pragma warning restore CA2012
        Assert.True(task.IsCompletedSuccessfully);
        Assert.True(task.Result);
    }

    /// <summary>Its socket is closed.</summary>
    public void End()
    {
        _handler!.OnClosed();
        OnSocketClosed();
    }

    public override bool Send(ReadOnlyMemory<byte> bytes)
    {
        Frames++;
        return true;
    }

    public override void Close()
    {
    }

    public override void Abort()
    {
    }
}
