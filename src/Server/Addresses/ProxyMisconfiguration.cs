using Relay.Events;

namespace Relay.Addresses;

/// <summary>What can look wrong about the way addresses are found.</summary>
[Flags]
internal enum ProxyWarnings
{
    None = 0,

    /// <summary>One address holds most sockets and is refused for its limit: probably everybody's proxy.</summary>
    OneAddress = 1,

    /// <summary>New connections bring the headers of proxies, from peers that are not trusted.</summary>
    UnlistedProxy = 2,

    /// <summary>Trusted proxies send no usable address.</summary>
    SilentProxy = 4,
}

/// <summary>
/// Detects a proxy in front of the relay that is not listed, or is not configured to send client addresses: the
/// most common reason why a limit per address hits the wrong clients. The upgrade only counts; periodic work evaluates the counts,
/// and older counts fade.
/// </summary>
internal sealed class ProxyMisconfiguration(RelayEvents events)
{
    /// <summary>Time between two judgements.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    // Of each count a fifth fades with every tick: after half a minute half of it is left.
    private const double Fading = 0.8;

    // Below so many new connections, or sockets, a share says nothing.
    private const int MinConnections = 20;
    private const int MinSockets = 50;

    private const double CrowdedShare = 0.6;
    private const double RaisingShare = 0.5;
    private const double ClearingShare = 0.25;
    private const double CrowdedLasts = 6;

    private static readonly string[] SourceLabels = ["socket", "unlisted_proxy", "header", "proxy_protocol", "proxy_itself", "unresolved"];

    // Atomic, all of the following.
    private readonly long[] _bySource = new long[SourceLabels.Length];
    private long _unlistedHeaders;
    private long _missingHeaders;
    private long _crowded;

    // Written by the timer, read anywhere.
    private volatile ProxyWarnings _current;

    // Timer only.
    private readonly Faded _unlisted = new();
    private readonly Faded _connections = new();
    private readonly Faded _silent = new();
    private readonly Faded _proxied = new();
    private readonly Faded _crowds = new();
    private double _sinceCrowded = CrowdedLasts;

    public ProxyWarnings Current => _current;

    /// <summary>An upgrade whose origin was found.</summary>
    public void Seen(in ResolvedClient origin) => Interlocked.Increment(ref _bySource[(int)origin.Source]);

    /// <summary>An address that holds <paramref name="held"/> of all <paramref name="live"/> sockets was refused for its own limit.</summary>
    public void RefusedPerIp(int held, int live)
    {
        if (live >= MinSockets && held >= CrowdedShare * live)
        {
            Interlocked.Increment(ref _crowded);
        }
    }

    /// <summary>A PROXY header came from a peer that is not trusted.</summary>
    public void HeaderFromUntrustedPeer() => Interlocked.Increment(ref _unlistedHeaders);

    /// <summary>A trusted proxy sent none where one is due.</summary>
    public void HeaderIsMissing() => Interlocked.Increment(ref _missingHeaders);

    /// <summary>Upgrades by how their origin was found.</summary>
    public IEnumerable<KeyValuePair<string, long>> BySource() =>
        SourceLabels.Select((label, i) => KeyValuePair.Create(label, Interlocked.Read(ref _bySource[i])));

    /// <summary>The warnings as operators read them, in snake_case.</summary>
    public static IEnumerable<(string Name, bool IsOn)> Names(ProxyWarnings warnings) =>
    [
        ("one_address", warnings.HasFlag(ProxyWarnings.OneAddress)),
        ("unlisted_proxy", warnings.HasFlag(ProxyWarnings.UnlistedProxy)),
        ("silent_proxy", warnings.HasFlag(ProxyWarnings.SilentProxy)),
    ];

    public void Evaluate()
    {
        var unresolved = Of(ClientAddressSource.Unresolved);
        var proxied = Of(ClientAddressSource.Header) + Of(ClientAddressSource.ProxyProtocol) + unresolved + Interlocked.Read(ref _missingHeaders);
        var untrusted = Of(ClientAddressSource.UnlistedProxy) + Interlocked.Read(ref _unlistedHeaders);
        _silent.Add(unresolved + Interlocked.Read(ref _missingHeaders));
        _proxied.Add(proxied);
        _unlisted.Add(untrusted);
        _connections.Add(proxied + untrusted + Of(ClientAddressSource.Socket));
        _sinceCrowded = _crowds.Add(Interlocked.Read(ref _crowded)) > 0 ? 0 : _sinceCrowded + 1;

        Become(ProxyWarnings.OneAddress, _sinceCrowded < CrowdedLasts);
        Become(ProxyWarnings.UnlistedProxy, IsShare(_unlisted, _connections, ProxyWarnings.UnlistedProxy));
        Become(ProxyWarnings.SilentProxy, IsShare(_silent, _proxied, ProxyWarnings.SilentProxy));
    }

    private long Of(ClientAddressSource source) => Interlocked.Read(ref _bySource[(int)source]);

    // Easier kept than raised, so that a share on the edge does not fill the log.
    private bool IsShare(Faded part, Faded whole, ProxyWarnings warning) => _current.HasFlag(warning)
        ? whole.Value >= 1 && part.Value >= ClearingShare * whole.Value
        : whole.Value >= MinConnections && part.Value >= RaisingShare * whole.Value;

    private void Become(ProxyWarnings warning, bool isOn)
    {
        if (_current.HasFlag(warning) == isOn)
        {
            return;
        }

        _current ^= warning;
        events.Publish(new ProxyWarningChanged(warning, isOn, warning switch
        {
            ProxyWarnings.UnlistedProxy => Share(_unlisted, _connections),
            ProxyWarnings.SilentProxy => Share(_silent, _proxied),
            _ => 0,
        }));
    }

    private static int Share(Faded part, Faded whole) => whole.Value > 0 ? (int)Math.Round(100 * part.Value / whole.Value) : 0;

    /// <summary>What a counter has gained lately.</summary>
    private sealed class Faded
    {
        private long _last;

        public double Value { get; private set; }

        /// <summary>Takes the counter's present value; gives what it gained since the last time.</summary>
        public long Add(long counter)
        {
            var gained = counter - _last;
            _last = counter;
            Value = (Value * Fading) + gained;
            return gained;
        }
    }
}
