using Relay.Transport;

namespace Relay.Sessions;

/// <summary>
/// A client that is refused by a close frame: it is upgraded, gets the frame, and is reset a second later whatever it does.
/// Reused for the next one: a refusal allocates nothing.
/// </summary>
internal sealed class RefusedConnection(Refuser refuser) : IConnectionHandler
{
    // A client that keeps sending after it was refused is reset before its second is over.
    private const int MaxIgnoredBytes = 64 * 1024;

    private Connection? _connection;
    private ReadOnlyMemory<byte> _closeFrame;
    private int _ignored;

    public void Begin(Connection connection, ReadOnlyMemory<byte> closeFrame) =>
        (_connection, _closeFrame, _ignored) = (connection, closeFrame, 0);

    public void OnOpened()
    {
        _connection!.CloseSoon();
        _connection.Send(_closeFrame);
    }

    public ValueTask<bool> OnBytesAsync(Memory<byte> bytes)
    {
        // A close frame in answer is the end; what else comes is not looked at.
        _ignored += bytes.Length;
        if (_ignored <= MaxIgnoredBytes && (bytes.Span[0] & 0x0F) != 8)
        {
            return ValueTask.FromResult(true);
        }

        _connection!.Close();
        return ValueTask.FromResult(false);
    }

    public void OnSent()
    {
    }

    public void OnClosed()
    {
        _connection = null;
        refuser.End(this);
    }
}
