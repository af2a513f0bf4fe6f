using Relay.Addresses;
using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// A connection that the engine has let go of and Kestrel has not come to yet, which on a busy machine may take a while. It is
/// a pending handshake like any other, so it can be reset in the meantime.
/// </summary>
internal sealed class HandedOverConnection(int descriptor, ConnectionTable table, ClientAddressRule clientAddress) : Connection(table)
{
    // -1: taken, or reset.
    private int _descriptor = descriptor;

    public override ClientAddressRule ClientAddress => clientAddress;

    public override CancellationToken Closed => CancellationToken.None;

    protected override bool IsSocketClosed => Volatile.Read(ref _descriptor) < 0;

    /// <summary>The descriptor, which is the caller's from now on; -1: it was reset.</summary>
    public int Take() => Interlocked.Exchange(ref _descriptor, -1);

    /// <summary>Its successor has all that it had, or nobody has: see <see cref="Take"/>.</summary>
    public void Retire() => OnSocketClosed();

    public override bool Send(ReadOnlyMemory<byte> bytes) => true;

    public override void Close() => Abort();

    public override void Abort()
    {
        var open = Take();
        if (open >= 0)
        {
            Sockets.Reset(open);
            OnSocketClosed();
        }
    }
}
