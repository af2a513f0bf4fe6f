namespace Relay.AdminCli;

/// <summary>What the process says to the script that ran it.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The relay answered and the answer was no: a gRPC error status, a drift, a health other than serving.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong; nothing was sent.</summary>
    public const int Usage = 2;

    /// <summary>No relay was reached, or it went silent; whether it acted on the call is not known.</summary>
    public const int Unreachable = 3;

    /// <summary>Ctrl-C before the answer came (128 + SIGINT). A watch that is interrupted ends with <see cref="Ok"/>.</summary>
    public const int Interrupted = 130;
}
