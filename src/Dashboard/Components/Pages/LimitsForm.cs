using System.Globalization;
using Relay.AdminApi;
using Relay.AdminCli;

namespace Relay.Dashboard.Components.Pages;

/// <summary>The limits as texts that can be edited, and the change that they make of the limits in effect.</summary>
internal sealed class LimitsForm
{
    private readonly Dictionary<string, string> _inEffect;
    private readonly Dictionary<string, string> _texts;

    public LimitsForm(EffectivePolicy policy)
    {
        Revision = policy.Revision;
        _inEffect = PolicyTexts.All(policy.Limits).ToDictionary(item => item.Path, item => item.Text.Replace(",", "", StringComparison.Ordinal));
        _texts = new(_inEffect);
    }

    /// <summary>What is edited: it is changed only if this is still the current one.</summary>
    public long Revision { get; }

    public IEnumerable<string> Paths => _inEffect.Keys;

    public bool HasChanges => Paths.Any(IsChanged);

    public string this[string path]
    {
        get => _texts[path];
        set => _texts[path] = value.Trim();
    }

    public bool IsChanged(string path) => _texts[path] != _inEffect[path];

    /// <summary>The values that a limit is chosen from; empty: it is written.</summary>
    public static IReadOnlyList<string> Choices(string path) => path switch
    {
        "unresolved" => ["total-only", "refuse"],
        "overload-level" => ["auto", "normal", "elevated", "critical"],
        _ => [],
    };

    /// <summary>How a limit is written.</summary>
    public static string Hint(string path) => path switch
    {
        "total" => "Client connections, 1 to 1,000,000",
        "per-ip" => "Client connections of one address",
        "per-56" or "per-48" or "per-24" => "8x, a number, or off",
        "rate-per-ip" or "rate-total" => "20/s burst 200, 30/m, or off",
        "unresolved-limit" => "Clients without a known address",
        _ => "",
    };

    /// <summary>Null and a sentence where a text is not a limit.</summary>
    public LimitSettings? Read(out string? problem)
    {
        var settings = new LimitSettings();
        foreach (var path in Paths.Where(IsChanged))
        {
            if (!TrySet(settings, path, _texts[path]))
            {
                problem = $"{path} cannot be '{Printable.Clean(_texts[path])}'. {Hint(path)}.";
                return null;
            }
        }

        problem = null;
        return settings;
    }

    private static bool TrySet(LimitSettings settings, string path, string text)
    {
        var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= LimitText.Max;
        switch (path)
        {
            case "total" when isNumber:
                settings.Total = number;
                return true;
            case "per-ip" when isNumber:
                settings.PerIp = number;
                return true;
            case "unresolved-limit" when isNumber:
                settings.UnresolvedLimit = number;
                return true;
            case "per-56":
                return (settings.Per56 = LimitText.ReadTier(text)) is not null;
            case "per-48":
                return (settings.Per48 = LimitText.ReadTier(text)) is not null;
            case "per-24":
                return (settings.Per24 = LimitText.ReadTier(text)) is not null;
            case "rate-per-ip":
                return (settings.RatePerIp = LimitText.ReadRate(text)) is not null;
            case "rate-total":
                return (settings.RateTotal = LimitText.ReadRate(text)) is not null;
            case "unresolved":
                settings.Unresolved = text == "refuse" ? UnresolvedClients.Refuse : UnresolvedClients.TotalOnly;
                return true;
            case "overload-level":
                settings.OverloadLevel = System.Enum.Parse<OverloadMode>(text, ignoreCase: true);
                return true;
            default:
                return false;
        }
    }
}
