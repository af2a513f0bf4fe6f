namespace Relay.AdminCli;

/// <summary>The process's exit codes; the root's help lists them.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The relay answered: it rejected the request, nothing matched, it is not ready, or its ledger does not match.</summary>
    public const int Rejected = 1;

    /// <summary>The command line is malformed; nothing was sent.</summary>
    public const int Usage = 2;

    /// <summary>Cannot connect, or no answer in time; whether the relay acted on the call is not known.</summary>
    public const int Unreachable = 3;

    /// <summary>Ctrl-C before the answer came (128 + SIGINT). A watch that is interrupted ends with <see cref="Ok"/>.</summary>
    public const int Interrupted = 130;
}
