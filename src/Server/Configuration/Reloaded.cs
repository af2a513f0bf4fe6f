using Relay.Events;

namespace Relay.Configuration;

/// <summary>Certificates, tokens and options were read again.</summary>
/// <param name="Applied">What is different from now on, such as "Log:Level: Information to Debug".</param>
/// <param name="NeedRestart">Options whose new values take effect with the next start.</param>
/// <param name="Errors">What could not be used; what was in use before stays in use.</param>
internal sealed record Reloaded(IReadOnlyList<string> Applied, IReadOnlyList<string> NeedRestart, IReadOnlyList<string> Errors) : RelayEvent
{
    public override string Kind => "reloaded";

    public override string Text => $"Reloaded: {Result}";

    public override LogLevel Level => Errors.Count > 0 ? LogLevel.Error : LogLevel.Information;

    public override RelayChange? Change => new("Reload", "", "", Result);

    /// <summary>All three in one line.</summary>
    public string Result => string.Join("; ", Parts());

    private IEnumerable<string> Parts()
    {
        if (Applied.Count + NeedRestart.Count + Errors.Count == 0)
        {
            yield return "nothing has changed";
        }

        foreach (var applied in Applied)
        {
            yield return applied;
        }

        if (NeedRestart.Count > 0)
        {
            yield return $"{string.Join(", ", NeedRestart)} {(NeedRestart.Count == 1 ? "needs" : "need")} a restart";
        }

        foreach (var error in Errors)
        {
            yield return $"not used: {error}";
        }
    }
}
