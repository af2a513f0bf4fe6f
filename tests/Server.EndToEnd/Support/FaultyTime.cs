namespace Relay.EndToEnd.Support;

/// <summary>The system's clock, which throws once armed where it is read below the named method: a defect on demand.</summary>
internal sealed class FaultyTime : TimeProvider
{
    public const string Text = "the clock is broken";

    private volatile string? _method;

    public void BreakIn(string method) => _method = method;

    public override long GetTimestamp() =>
        _method is { } method && Environment.StackTrace.Contains(method, StringComparison.Ordinal)
            ? throw new NotSupportedException(Text)
            : base.GetTimestamp();
}
