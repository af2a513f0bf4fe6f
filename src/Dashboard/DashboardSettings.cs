using System.Net;
using Relay.AdminCli;

namespace Relay.Dashboard;

/// <summary>What the command line says.</summary>
/// <param name="Listen">Loopback for one operator; any address, with TLS, for a team.</param>
/// <param name="Certificate">The dashboard's own for TLS; null: one operator, plain HTTP on loopback.</param>
/// <param name="Relays">The relays that can be looked at, the one that is shown first at the top.</param>
/// <param name="Timeout">How long a relay may take to answer a call.</param>
/// <param name="Context">The process around it.</param>
internal sealed record DashboardSettings(
    IPEndPoint Listen, TlsFiles? Certificate, IReadOnlyList<NamedRelay> Relays, bool Opens, TimeSpan Timeout, CommandContext Context)
{
    /// <summary>True: every operator logs in with a token of his own.</summary>
    public bool IsForTeam => Certificate is not null;
}

/// <summary>The files of the certificate that the dashboard shows to browsers.</summary>
internal sealed record TlsFiles(string Certificate, string Key);

/// <summary>A relay, the name that it has here, and how this process reaches it.</summary>
internal sealed record NamedRelay(string Name, ServerChoice Choice);
