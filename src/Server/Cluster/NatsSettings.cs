using NATS.Client.Core;

namespace Relay.Cluster;

/// <summary>The options of the NATS library that follow from ours.</summary>
internal static class NatsSettings
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(2);

    public static NatsOpts From(ClusterOptions options)
    {
        var addresses = options.Nats.Select(text => NatsAddress.TryParse(text, out var address) ? address : throw new FormatException(text)).ToList();
        var user = addresses.Find(address => address.User is not null);
        return NatsOpts.Default with
        {
            Url = string.Join(',', addresses.Select(address => address.Url)),
            Name = $"relayd {options.NodeName}",
            AuthOpts = Auth(options.Credentials, user),
            TlsOpts = NatsTlsOpts.Default with
            {
                Mode = addresses.Exists(address => address.IsTls) ? TlsMode.Require : TlsMode.Auto,
                CaFile = OrNull(options.Ca),
                CertFile = OrNull(options.Certificate),
                KeyFile = OrNull(options.Key),
            },

            // What a node says to all is not for itself, and a question that only the asker could answer has nobody to answer it.
            Echo = false,
            ConnectTimeout = ConnectTimeout,
            PingInterval = PingInterval,
            ReconnectWaitMin = ShortestPause,
            ReconnectWaitMax = LongestPause,
            MaxReconnectRetry = -1,

            // What cannot leave now is lost, and its sender is told: nobody hears it a second later.
            PublishTimeoutOnDisconnected = true,
            CommandTimeout = CommandTimeout,

            // An account may be given its rights back.
            IgnoreAuthErrorAbort = true,
        };
    }

    private static NatsAuthOpts Auth(string file, NatsAddress? address)
    {
        var auth = NatsAuthOpts.Default with { Username = address?.User, Password = address?.Password };
        return file.Length == 0 ? auth
            : File.ReadLines(file).Any(line => line.StartsWith("-----BEGIN", StringComparison.Ordinal)) ? auth with { CredsFile = file }
            : auth with { NKeyFile = file };
    }

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}
