<<build>>
