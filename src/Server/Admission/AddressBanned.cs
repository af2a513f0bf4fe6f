using Relay.Addresses;
using Relay.Events;

namespace Relay.Admission;

/// <summary>The relay banned an address by itself.</summary>
internal sealed record AddressBanned(AutoBan Ban) : RelayEvent
{
    public override string Kind => "automatic_ban";

    public override string Text => $"Banned {Ban.Network} until {Until}, offence {Ban.Times}";

    public override LogLevel Level => LogLevel.Warning;

    public override RelayChange Change => new("Ban", $"network={Ban.Network}", "-", $"offence {Ban.Times}, until {Until}");

    private string Until => $"{Ban.Until.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}";
}

/// <summary>The relay banned more addresses than it published one by one.</summary>
internal sealed record MoreAddressesBanned(int Count) : RelayEvent
{
    public override string Kind => "automatic_ban";

    public override string Text => FormattableString.Invariant($"Banned {Count} more addresses within a second; `relayctl bans` lists them");

    public override LogLevel Level => LogLevel.Warning;

    public override RelayChange Change => new("Ban", FormattableString.Invariant($"more={Count}"), "-", "automatic");
}

/// <summary>A ban that the relay had made by itself is over.</summary>
internal sealed record AutoBanExpired(IpPrefix Network) : RelayEvent
{
    public override string Kind => "ban_expired";

    public override string Text => $"The automatic ban of {Network} expired";

    public override RelayChange Change => new("Unban", $"network={Network}", "automatic", "-");
}

/// <summary>More automatic bans expired than were published one by one.</summary>
internal sealed record MoreAutoBansExpired(int Count) : RelayEvent
{
    public override string Kind => "ban_expired";

    public override string Text => FormattableString.Invariant($"{Count} more automatic bans expired");

    public override RelayChange Change => new("Unban", FormattableString.Invariant($"more={Count}"), "automatic", "-");
}

/// <summary>An operator lifted bans that the relay had made by itself.</summary>
internal sealed record AutoBansLifted(IpPrefix Network, int Count) : RelayEvent
{
    public override string Kind => "bans_lifted";

    public override string Text => Count == 1 ? $"1 automatic ban within {Network} was lifted" : $"{Count} automatic bans within {Network} were lifted";
}
