using System.Globalization;
using Relay.AdminApi;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>Limits and overrides of the contract, which have types, from and to the items of the policy, which are texts.</summary>
internal static class LimitSettingsMapper
{
    /// <summary>Limits that <paramref name="items"/> has behind <paramref name="prefix"/>.</summary>
    public static LimitSettings Limits(PolicyItems items, string prefix = "")
    {
        var settings = new LimitSettings
        {
            Per56 = Tier(items[prefix + PolicyItems.Per56]),
            Per48 = Tier(items[prefix + PolicyItems.Per48]),
            Per24 = Tier(items[prefix + PolicyItems.Per24]),
            RatePerIp = Rate(items[prefix + PolicyItems.RatePerIp]),
            RateTotal = Rate(items[prefix + PolicyItems.RateTotal]),
            Unresolved = items[prefix + PolicyItems.Unresolved] switch
            {
                null => UnresolvedClients.Unspecified,
                "refuse" => UnresolvedClients.Refuse,
                _ => UnresolvedClients.TotalOnly,
            },
            OverloadLevel = items[prefix + PolicyItems.OverloadLevel] is { } level ? System.Enum.Parse<OverloadMode>(level, ignoreCase: true) : OverloadMode.Unspecified,
        };
        if (Number(items[prefix + PolicyItems.Total]) is { } total)
        {
            settings.Total = total;
        }

        if (Number(items[prefix + PolicyItems.PerIp]) is { } perIp)
        {
            settings.PerIp = perIp;
        }

        if (Number(items[prefix + PolicyItems.UnresolvedLimit]) is { } limit)
        {
            settings.UnresolvedLimit = limit;
        }

        return settings;
    }

    /// <summary>Overrides that <paramref name="items"/> has behind <paramref name="prefix"/>.</summary>
    public static IEnumerable<Override> Overrides(PolicyItems items, string prefix = "") =>
        from item in items.All
        where item.Key.StartsWith(prefix + PolicyItems.Override, StringComparison.Ordinal)
        select Of(item.Key[(prefix.Length + PolicyItems.Override.Length)..], item.Value);

    /// <summary>Adds the items that <paramref name="settings"/> sets.</summary>
    /// <param name="field">The path of <paramref name="settings"/> in its request, with a dot at its end.</param>
    public static void Add(ItemEdits edits, LimitSettings? settings, string field, string prefix = "")
    {
        if (settings is null)
        {
            return;
        }

        if (settings.HasTotal)
        {
            edits.Set(prefix + PolicyItems.Total, Text(settings.Total), field + "total");
        }

        if (settings.HasPerIp)
        {
            edits.Set(prefix + PolicyItems.PerIp, Text(settings.PerIp), field + "per_ip");
        }

        AddTier(edits, settings.Per56, prefix + PolicyItems.Per56, field + "per_56");
        AddTier(edits, settings.Per48, prefix + PolicyItems.Per48, field + "per_48");
        AddTier(edits, settings.Per24, prefix + PolicyItems.Per24, field + "per_24");
        AddRate(edits, settings.RatePerIp, prefix + PolicyItems.RatePerIp, field + "rate_per_ip");
        AddRate(edits, settings.RateTotal, prefix + PolicyItems.RateTotal, field + "rate_total");
        if (settings.HasUnresolvedLimit)
        {
            edits.Set(prefix + PolicyItems.UnresolvedLimit, Text(settings.UnresolvedLimit), field + "unresolved_limit");
        }

        if (settings.Unresolved != UnresolvedClients.Unspecified)
        {
            var text = settings.Unresolved switch
            {
                UnresolvedClients.TotalOnly => "total-only",
                UnresolvedClients.Refuse => "refuse",
                var other => $"{(int)other}",
            };
            edits.Set(prefix + PolicyItems.Unresolved, text, field + "unresolved");
        }

        if (settings.OverloadLevel != OverloadMode.Unspecified)
        {
            edits.Set(prefix + PolicyItems.OverloadLevel, settings.OverloadLevel.ToString().ToLowerInvariant(), field + "overload_level");
        }
    }

    /// <summary>Adds overrides to set and to remove.</summary>
    /// <param name="field">The path of their message in its request, "" or with a dot at its end.</param>
    public static void Add(ItemEdits edits, IReadOnlyList<Override> set, IReadOnlyList<string> remove, string field, string prefix = "")
    {
        for (var i = 0; i < remove.Count; i++)
        {
            edits.Remove(prefix + PolicyItems.Override + remove[i], $"{field}remove_overrides[{i}]");
        }

        for (var i = 0; i < set.Count; i++)
        {
            var text = set[i].LimitCase switch
            {
                Override.LimitOneofCase.PerIp => Text(set[i].PerIp),
                Override.LimitOneofCase.Unlimited when set[i].Unlimited => "unlimited",
                Override.LimitOneofCase.Deny when set[i].Deny => "deny",
                _ => null,
            };
            if (text is null)
            {
                edits.Error($"{field}set_overrides[{i}]", "give per_ip, or unlimited or deny as true");
            }
            else
            {
                edits.Set(prefix + PolicyItems.Override + set[i].Network, text, $"{field}set_overrides[{i}]");
            }
        }
    }

    private static void AddTier(ItemEdits edits, AdminApi.TierLimit? tier, string path, string field)
    {
        if (tier is null)
        {
            return;
        }

        var text = tier.LimitCase switch
        {
            AdminApi.TierLimit.LimitOneofCase.Connections => Text(tier.Connections),
            AdminApi.TierLimit.LimitOneofCase.Multiple => $"{Text(tier.Multiple)}x",
            AdminApi.TierLimit.LimitOneofCase.Off when tier.Off => "off",
            _ => null,
        };
        if (text is null)
        {
            edits.Error(field, "give connections or multiple, or off as true");
        }
        else
        {
            edits.Set(path, text, field);
        }
    }

    private static void AddRate(ItemEdits edits, AdminApi.ConnectRate? rate, string path, string field)
    {
        if (rate is null)
        {
            return;
        }

        if (rate.Off != (rate is { Connections: 0, Burst: 0, Period: AdminApi.ConnectRate.Types.Period.Unspecified }) || !System.Enum.IsDefined(rate.Period))
        {
            edits.Error(field, "give connections, period and burst, or off alone");
            return;
        }

        var period = rate.Period == AdminApi.ConnectRate.Types.Period.Minute ? 'm' : 's';
        edits.Set(path, rate.Off ? "off" : rate.Burst == 0 ? $"{Text(rate.Connections)}/{period}" : $"{Text(rate.Connections)}/{period} burst {Text(rate.Burst)}", field);
    }

    private static AdminApi.TierLimit? Tier(string? text) =>
        text is null || !Policy.TierLimit.TryParse(text, out var limit) ? null
        : limit.IsOff ? new AdminApi.TierLimit { Off = true }
        : limit.IsMultiple ? new AdminApi.TierLimit { Multiple = limit.Value }
        : new AdminApi.TierLimit { Connections = limit.Value };

    private static AdminApi.ConnectRate? Rate(string? text)
    {
        if (text is null || !Policy.ConnectRate.TryParse(text, out var rate))
        {
            return null;
        }

        if (rate.IsOff)
        {
            return new AdminApi.ConnectRate { Off = true };
        }

        var isPerSecond = rate.PerSecond >= 1 && rate.PerSecond == Math.Floor(rate.PerSecond);
        return new AdminApi.ConnectRate
        {
            Connections = (int)Math.Round(isPerSecond ? rate.PerSecond : rate.PerSecond * 60),
            Period = isPerSecond ? AdminApi.ConnectRate.Types.Period.Second : AdminApi.ConnectRate.Types.Period.Minute,
            Burst = rate.Burst,
        };
    }

    private static Override Of(string network, string text)
    {
        var row = new Override { Network = network };
        switch (text)
        {
            case "unlimited":
                row.Unlimited = true;
                break;
            case "deny":
                row.Deny = true;
                break;
            default:
                row.PerIp = Number(text) ?? 0;
                break;
        }

        return row;
    }

    private static int? Number(string? text) => text is null ? null : int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
