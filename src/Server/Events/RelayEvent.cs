namespace Relay.Events;

/// <summary>
/// An event that operators see: in the log, in the audit log, and as it happens. Immutable and
/// small: its texts are made by those who read it, never on the path of a connection. Each kind is declared beside what
/// publishes it.
/// </summary>
internal abstract record RelayEvent
{
    /// <summary>The name of the relay itself as the one who did something.</summary>
    public const string Relay = "relayd";

    /// <summary>Its name for scripts, in snake_case.</summary>
    public abstract string Kind { get; }

    /// <summary>One sentence for people, without <see cref="Who"/> and <see cref="Reason"/>.</summary>
    public abstract string Text { get; }

    /// <summary>Who did it: an operator, or <see cref="Relay"/>.</summary>
    public string Who { get; init; } = Relay;

    /// <summary>Why, in the words of whoever did it; empty: not given.</summary>
    public string Reason { get; init; } = "";

    public virtual LogLevel Level => LogLevel.Information;

    /// <summary>How the audit log has it if the relay did it itself; null: nothing was changed, or another event says it.</summary>
    public virtual RelayChange? Change => null;
}

/// <summary>What is different since an event.</summary>
/// <param name="Method">The entry's method, in the style of the operators' calls.</param>
internal sealed record RelayChange(string Method, string What, string Before, string After);

/// <summary>An event as it was published.</summary>
/// <param name="Sequence">Counts up by one with each, from 1.</param>
internal readonly record struct PublishedEvent(long Sequence, DateTimeOffset Time, RelayEvent Event);
