using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Relay.EndToEnd.Support;

/// <summary>The system's clock, which throws once armed where the named method reads it: a defect on demand.</summary>
internal sealed class FaultyTime : TimeProvider
{
    public const string Text = "the clock is broken";

    private volatile string? _method;

    public void BreakIn(string method) => _method = method;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public override long GetTimestamp() =>
        _method is { } method && IsReadIn(method) ? throw new NotSupportedException(Text) : base.GetTimestamp();

    // The reader itself or, where it is a constructor that was inlined or not, its caller. Not the whole stack: what goes on
    // after an awaited method has ended may still run upon that method's frame, and must be able to clean up.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsReadIn(string method) =>
        new StackTrace(skipFrames: 2).GetFrames().Take(2).Any(frame => new StackTrace(frame).ToString().Contains(method, StringComparison.Ordinal));
}
