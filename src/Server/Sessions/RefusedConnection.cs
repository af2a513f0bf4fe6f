using Relay.Transport;

namespace Relay.Sessions;

/// <summary>A refused client that is told so by a close frame: it is upgraded, told, and cut a second later whatever it does.</summary>
internal sealed class RefusedConnection(Connection connection, ReadOnlyMemory<byte> closeFrame, Action closed) : IConnectionHandler
{
    // A client that keeps sending after it was refused is cut before its second is over.
    private const int MaxIgnoredBytes = 64 * 1024;

    private int _ignored;

    public void OnOpened()
    {
        connection.CloseSoon();
        connection.Send(closeFrame);
    }

    public ValueTask<bool> OnBytesAsync(Memory<byte> bytes)
    {
        // A close frame in answer is the end; what else comes is not looked at.
        _ignored += bytes.Length;
        if (_ignored <= MaxIgnoredBytes && (bytes.Span[0] & 0x0F) != 8)
        {
            return ValueTask.FromResult(true);
        }

        connection.Close();
        return ValueTask.FromResult(false);
    }

    public void OnSent()
    {
    }

    public void OnClosed() => closed();
}
