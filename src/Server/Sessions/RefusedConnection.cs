using Relay.Transport;

namespace Relay.Sessions;

/// <summary>
/// A client that is refused after its upgrade: it gets its last words, and is reset a second later whatever it does.
/// Reused for the next one: a refusal allocates nothing.
/// </summary>
internal sealed class RefusedConnection(Refuser refuser) : IConnectionHandler
{
    // A client that keeps sending after it was refused is reset before its second is over.
    private const int MaxIgnoredBytes = 64 * 1024;

    private Connection? _connection;
    private ReadOnlyMemory<byte> _lastWords;
    private int _ignored;

    public void Begin(Connection connection, ReadOnlyMemory<byte> lastWords) =>
        (_connection, _lastWords, _ignored) = (connection, lastWords, 0);

    public void OnOpened()
    {
        _connection!.CloseSoon();
        _connection.Send(_lastWords);
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
