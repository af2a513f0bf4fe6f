using Grpc.Core;

namespace Relay.Admin;

/// <summary>
/// A stream of answers that ends when the caller's credentials are not valid any more, such as a revoked token. Notifies
/// of each answer before it is given.
/// </summary>
internal sealed class ValidStream<T>(IServerStreamWriter<T> inner, Func<bool> isStillValid, Action? answering) : IServerStreamWriter<T>
{
    public WriteOptions? WriteOptions
    {
        get => inner.WriteOptions;
        set => inner.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        answering?.Invoke();
        return isStillValid() ? inner.WriteAsync(message, cancellationToken) : throw AdminErrors.NoLongerValid();
    }
}
