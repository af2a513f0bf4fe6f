using Relay.Events;

namespace Relay.Admission;

/// <summary>The relay goes on to another phase of its life, or its drain becomes somebody else's.</summary>
/// <param name="Until">Of a drain: when the last client is disconnected at the latest; null: not known.</param>
internal sealed record StateChanged(RelayPhase Before, RelayPhase After, DateTimeOffset? Until) : RelayEvent
{
    public override string Kind => "state_changed";

    public override string Text => After switch
    {
        RelayPhase.Serving => "Serving: new connections are accepted",
        RelayPhase.Draining when Until is { } until => $"Draining until {until.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} at the latest: new connections are rejected",
        RelayPhase.Draining => "Draining: new connections are rejected",
        _ => "Stopping: all connections are closed",
    };

    // What begins and ends a drain is an event of its own, with more to say.
    public override LogLevel Level => After == RelayPhase.Draining || Before == RelayPhase.Draining && After == RelayPhase.Serving ? LogLevel.Debug : LogLevel.Information;

    public override RelayChange? Change => Before == RelayPhase.Starting ? null : new("State", Name(After), Name(Before), Name(After));

    private static string Name(RelayPhase phase) => phase switch
    {
        RelayPhase.Starting => "starting",
        RelayPhase.Serving => "serving",
        RelayPhase.Draining => "draining",
        _ => "stopping",
    };
}
