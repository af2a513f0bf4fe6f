namespace Relay.Upgrade;

/// <summary>Why an upgrade was not done, in a part of a sentence for people.</summary>
internal sealed class UpgradeException(string message) : Exception(message);
